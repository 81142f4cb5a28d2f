"""What belongs to the owner of model and optimizer is theirs: NEq holds neurons around it, or says that it cannot."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.optim import SGD, AdamW, NAdam, Optimizer

from neq import LayerFilter
from neq.errors import (
    AnotherOptimizer,
    FrozenNeuronsChanged,
    FrozenNeuronsMoved,
    LayerNotTrained,
    NEqClosed,
    NEqTakenOver,
    ParametersReplaced,
)
from tests.neq.schedule_free import ScheduleFree
from tests.neq.training_loop import (
    INPUTS,
    LABELS,
    Loop,
    applied_that_moved,
    frozen_that_moved,
    held_to_the_end,
    network,
    weights,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("held")]


@pytest.mark.parametrize("through_data", [False, True])
def test_a_state_that_is_loaded_in_mid_epoch_is_kept_and_told(through_data: bool) -> None:
    loop = Loop()
    loop.epoch()
    best = copy.deepcopy(loop.model.state_dict())
    equilibrium = loop.until_some_freeze()
    begun = weights(loop.neq)
    loop.step(0)
    if through_data:
        for name, parameter in loop.model.named_parameters():
            parameter.data.copy_(best[name])
    else:
        loop.model.load_state_dict(best)
    loaded = weights(loop.neq)
    loop.step(1)
    loop.step(2)
    assert frozen_that_moved(equilibrium, loop.neq, loaded) == 0
    with pytest.warns(FrozenNeuronsChanged, match="the new values are kept"):
        after = loop.neq.end_epoch()
    assert applied_that_moved(after, loop.neq, begun) == 0
    assert sum(int(layer.frozen.sum()) for layer in equilibrium.layers.values()) > 0


@torch.no_grad()
def _updated_by_hand(loop: Loop) -> None:
    for parameter in loop.model.parameters():
        parameter.add_(0.01)


def _updated_through_data(loop: Loop) -> None:
    for parameter in loop.model.parameters():
        parameter.data *= 0.9


def _initialised_again(loop: Loop) -> None:
    loop.model.load_state_dict({name: 0.5 * value for name, value in loop.model.state_dict().items()})


@pytest.mark.filterwarnings("ignore::neq.errors.NoStepMade")  # no optimizer steps in the epoch that is tested
@pytest.mark.parametrize("change", [_updated_by_hand, _updated_through_data, _initialised_again])
def test_what_changes_in_an_epoch_without_a_step_is_kept_and_told(change: Callable[[Loop], None]) -> None:
    loop = Loop()
    equilibrium = loop.until_some_freeze()
    before = weights(loop.neq)
    change(loop)
    changed = weights(loop.neq)
    frozen = [name for name, layer in equilibrium.layers.items() if bool(layer.frozen.any())]
    with pytest.warns(FrozenNeuronsChanged) as told:
        after = loop.neq.end_epoch()
    texts = [str(one.message) for one in told if issubclass(one.category, FrozenNeuronsChanged)]
    assert [name for name in frozen if any(f"layer {name!r}: " in text for text in texts)] == frozen
    assert applied_that_moved(after, loop.neq, before) == 0
    assert frozen_that_moved(equilibrium, loop.neq, changed) == 0  # the owner's values stay


@pytest.mark.filterwarnings("ignore::neq.errors.NoStepMade")  # no optimizer steps in the epoch that is tested
def test_where_nothing_changes_in_an_epoch_without_a_step_what_is_frozen_was_held() -> None:
    loop = Loop()
    equilibrium = loop.until_some_freeze()
    after = loop.neq.end_epoch()  # FrozenNeuronsChanged would be an error here
    for name, layer in after.layers.items():
        assert torch.equal(layer.applied, equilibrium.layers[name].frozen)


def test_neqs_state_may_be_loaded_before_the_models() -> None:
    loop = Loop()
    loop.until_some_freeze()
    states = copy.deepcopy((loop.model.state_dict(), loop.optimizer.state_dict(), loop.neq.state_dict()))
    expected = [loop.epoch() for _ in range(2)]
    again = Loop()
    again.neq.load_state_dict(states[2])
    again.optimizer.load_state_dict(states[1])
    again.model.load_state_dict(states[0])
    for one, other in zip(expected, [again.epoch() for _ in range(2)], strict=True):
        for name, layer in one.layers.items():
            assert torch.equal(layer.phi, other.layers[name].phi)
            assert torch.equal(layer.applied, other.layers[name].applied)
    for name, tensor in loop.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name])


OTHERS: dict[str, Callable[[Iterable[Tensor]], Optimizer]] = {
    "adamw": lambda parameters: AdamW(parameters, lr=0.01, weight_decay=0.1),
    "sgd": lambda parameters: SGD(parameters, lr=0.05, momentum=0.9),
    "nadam": lambda parameters: NAdam(parameters, lr=0.01),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_new_optimizer_moves_nothing_frozen_and_is_told_once(kind: str) -> None:
    loop = Loop()
    equilibrium = loop.until_some_freeze()
    other = OTHERS[kind](loop.model.parameters())
    for number in range(3):
        before = weights(loop.neq)
        loop.train(other)
        assert frozen_that_moved(equilibrium, loop.neq, before) == 0
        if number:
            equilibrium = loop.neq.end_epoch()
        else:
            with pytest.warns(AnotherOptimizer, match="make NEq anew with that one"):
                equilibrium = loop.neq.end_epoch()


def test_a_second_optimizer_may_own_a_part_of_the_model() -> None:
    model = network()
    first = SGD([*model[0].parameters(), *model[1].parameters()], lr=0.05, momentum=0.9)
    second = AdamW([*model[4].parameters(), *model[6].parameters()], lr=0.01, weight_decay=0.1)

    class Both(Loop):
        def train(self, optimizer: Optimizer | None = None) -> None:
            for place in range(4):
                second.zero_grad()
                self.step(place)
                second.step()

    loop = Both(model, first, epsilon=0.3)
    for _ in range(3):
        equilibrium = loop.epoch()
    held = 0
    for _ in range(4):
        before = weights(loop.neq)
        held += sum(int(equilibrium.layers[name].frozen.sum()) for name in ("4", "6"))
        loop.train()
        assert frozen_that_moved(equilibrium, loop.neq, before) == 0
        equilibrium = loop.neq.end_epoch()
    assert held


class Sharpness(Optimizer):
    """A sharpness-aware optimizer in two half steps, with an inner one that is made from its class."""

    def __init__(self, parameters: Iterable[Tensor], base: type[SGD], **options: Any) -> None:
        super().__init__(parameters, dict(options))
        self.base = base(self.param_groups, **options)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def first_step(self) -> None:
        for parameter in self._with_gradient():
            self.state[parameter]["old"] = parameter.detach().clone()
            parameter.add_(parameter.grad, alpha=0.05)  # type: ignore[arg-type]

    @torch.no_grad()
    def second_step(self) -> None:
        for parameter in self._with_gradient():
            parameter.data = self.state[parameter]["old"]
        self.base.step()

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.first_step()
        with torch.enable_grad():
            closure()
        self.second_step()

    def _with_gradient(self) -> list[Any]:
        return [one for group in self.param_groups for one in group["params"] if one.grad is not None]


@pytest.mark.parametrize("in_halves", [False, True])
def test_a_sharpness_aware_optimizer_moves_nothing_frozen(in_halves: bool) -> None:
    model = network()
    optimizer = Sharpness(model.parameters(), SGD, lr=0.05, momentum=0.9, weight_decay=5e-4)

    class Sharp(Loop):
        def step(self, place: int = 0, optimizer: Optimizer | None = None) -> None:
            rows = slice(25 * place, 25 * place + 25)

            def again() -> None:
                assert isinstance(self.optimizer, Sharpness)
                self.optimizer.zero_grad()
                nn.functional.cross_entropy(self.model(INPUTS[rows]), LABELS[rows]).backward()

            again()
            assert isinstance(self.optimizer, Sharpness)
            if in_halves:
                self.optimizer.first_step()
                again()
                self.optimizer.second_step()
            else:
                self.optimizer.step(again)

    loop = Sharp(model, optimizer)
    held = 0
    for _ in range(8):
        before, frozen = weights(loop.neq), loop.neq._masks()
        loop.train()
        equilibrium = loop.neq.end_epoch()  # the inner optimizer is a part of the given one, not another
        assert applied_that_moved(equilibrium, loop.neq, before) == 0
        assert all(torch.equal(equilibrium.layers[name].applied, mask) for name, mask in frozen.items())
        held += sum(int(mask.sum()) for mask in frozen.values())
    assert held


@pytest.mark.parametrize("measured_in", ["eval", "train"])
def test_a_schedule_free_optimizer_moves_nothing_frozen_in_either_of_its_modes(measured_in: str) -> None:
    model = network()
    optimizer = ScheduleFree(model.parameters(), lr=0.2, weight_decay=0.01)
    loop = Loop(model, optimizer, epsilon=0.1)
    held = 0
    for _ in range(8):
        optimizer.train()
        if measured_in == "eval":
            optimizer.eval()
        begun, frozen = weights(loop.neq), loop.neq._masks()
        optimizer.train()
        loop.train()
        if measured_in == "eval":
            optimizer.eval()
        held += held_to_the_end(loop.neq, begun, frozen)
    assert held


def test_an_optimizer_within_the_backward_pass_moves_nothing_frozen() -> None:
    model = network()
    each = {parameter: SGD([parameter], lr=0.05, momentum=0.9, weight_decay=5e-4) for parameter in model.parameters()}

    def step(parameter: Tensor) -> None:
        each[parameter].step()  # type: ignore[index]
        each[parameter].zero_grad()  # type: ignore[index]

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(step)

    class Within(Loop):
        def train(self, optimizer: Optimizer | None = None) -> None:
            for place in range(4):
                rows = slice(25 * place, 25 * place + 25)
                nn.functional.cross_entropy(self.model(INPUTS[rows]), LABELS[rows]).backward()

    loop = Within(model, next(iter(each.values())), savings="rows")
    equilibrium = loop.until_some_freeze()
    for _ in range(3):
        before = weights(loop.neq)
        loop.train()
        assert frozen_that_moved(equilibrium, loop.neq, before) == 0
        assert "rows" not in {plan.kind for plan in loop.neq.plans().values()}
        equilibrium = loop.neq.end_epoch()


def test_clipping_weights_after_each_step_keeps_what_is_frozen_where_it_was() -> None:
    class Clipped(Loop):
        def step(self, place: int = 0, optimizer: Optimizer | None = None) -> None:
            super().step(place, optimizer)
            for parameter in self.model.parameters():
                parameter.data.clamp_(-0.05, 0.05)

    loop = Clipped(epsilon=0.2)
    held = 0
    for _ in range(7):
        before = weights(loop.neq)
        equilibrium = loop.epoch()
        assert applied_that_moved(equilibrium, loop.neq, before) == 0
        held += sum(int(layer.applied.sum()) for layer in equilibrium.layers.values())
    assert held


def test_what_goes_on_moving_frozen_neurons_outside_of_the_step_is_refused() -> None:
    class Noisy(Loop):
        def step(self, place: int = 0, optimizer: Optimizer | None = None) -> None:
            super().step(place, optimizer)
            with torch.no_grad():
                self.model[4].weight.mul_(1.01)  # type: ignore[index, union-attr, operator]

    loop = Noisy(epsilon=0.3)
    with pytest.raises(FrozenNeuronsMoved, match=r"layer '4': \d+ frozen neurons .*never_freeze=\('4',\)"):
        for _ in range(8):
            loop.epoch()
    free = Noisy(epsilon=0.3, layers=LayerFilter(never_freeze=("4",)))
    for _ in range(6):
        equilibrium = free.epoch()
    assert equilibrium.frozen_fraction > 0


@pytest.mark.parametrize("epochs", [0, 1, 5])  # the former holds nothing yet, nothing yet after an epoch, or some
def test_a_cell_that_is_run_again_takes_over_and_the_former_says_so(epochs: int) -> None:
    first = Loop()
    for _ in range(epochs):
        first.epoch()
    state = first.neq.state_dict()
    with pytest.warns(NEqTakenOver, match="that one is closed now"):
        second = Loop(first.model, first.optimizer)
    assert [layer.name for layer in second.neq.layers] == [layer.name for layer in first.neq.layers]
    assert all(parameter.requires_grad for parameter in first.model.parameters())
    before = weights(second.neq)
    second.train()
    after = weights(second.neq)
    assert all(
        bool((one != other).any()) for name in before for one, other in zip(before[name], after[name], strict=True)
    )
    assert second.neq.end_epoch().applied_fraction == 0
    masks = {"4": torch.arange(16) < 8}
    for use in (first.neq.end_epoch, lambda: first.neq.freeze(masks), lambda: first.neq.load_state_dict(state)):
        with pytest.raises(NEqClosed, match="another NEq was made for the same layers: use the newer one"):
            use()
    assert all(plan.kind == "untouched" for plan in first.neq.plans().values())


def test_one_that_was_dropped_with_its_optimizer_is_not_taken_over() -> None:
    model = network()
    Loop(model).epoch()
    Loop(model).epoch()  # NEqTakenOver would be an error here


@pytest.mark.parametrize("momentum_on_thaw", ["keep", "cold"])
def test_one_that_takes_over_goes_on_from_the_formers_state(momentum_on_thaw: str) -> None:
    """As if there had been one only, also when neurons thaw that the former froze."""

    def trained(*, anew: bool) -> list[Tensor]:
        loop = Loop(momentum_on_thaw=momentum_on_thaw)
        loop.until_some_freeze()
        if anew:
            with pytest.warns(NEqTakenOver):
                second = Loop(loop.model, loop.optimizer, momentum_on_thaw=momentum_on_thaw)
            second.neq.load_state_dict(loop.neq.state_dict())
            loop = second
        loop.neq.freeze({})
        loop.train()
        return [parameter.detach().clone() for parameter in loop.model.parameters()]

    for one, other in zip(trained(anew=False), trained(anew=True), strict=True):
        assert torch.equal(one, other)


def test_two_may_hold_different_layers_of_one_model() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9)
    one = Loop(model, optimizer, layers=LayerFilter(only=("0", "1")), epsilon=0.2)
    other = Loop(model, optimizer, layers=LayerFilter(only=("4", "6")), epsilon=0.2)
    for _ in range(5):
        one.train()
        found = one.neq.end_epoch(), other.neq.end_epoch()
    assert all(equilibrium.frozen_fraction for equilibrium in found)


@pytest.mark.parametrize("wanted", [True, False])
def test_flags_that_are_set_while_layers_are_stopped_hold_afterwards_and_move_nothing_frozen(wanted: bool) -> None:
    loop = Loop()
    equilibrium = loop.until_some_freeze()
    loop.train()
    stopped = [name for name, plan in loop.neq.plans().items() if plan.kind == "stopped"]
    assert stopped
    before = weights(loop.neq)
    for parameter in loop.model.parameters():
        parameter.requires_grad_(wanted)
    if wanted:
        loop.train()
    assert frozen_that_moved(equilibrium, loop.neq, before) == 0
    loop.neq.close()
    assert {parameter.requires_grad for parameter in loop.model.parameters()} == {wanted}


def test_a_layer_that_its_owner_enables_in_mid_epoch_keeps_its_frozen_neurons() -> None:
    """Both networks of a GAN in turns: off while the other learns, on for its own step."""
    loop = Loop()
    equilibrium = loop.until_some_freeze()
    for _ in range(3):
        before = weights(loop.neq)
        for place in range(4):
            loop.model.requires_grad_(False)
            loop.model(INPUTS[:5])
            loop.model.requires_grad_(True)
            loop.step(place)
        assert frozen_that_moved(equilibrium, loop.neq, before) == 0
        equilibrium = loop.neq.end_epoch()


def test_a_layer_that_was_off_when_it_froze_and_is_enabled_then_stays_frozen() -> None:
    loop = Loop()
    loop.epoch()
    loop.model[4].requires_grad_(False)  # type: ignore[index, operator]
    loop.neq.freeze({"4": torch.arange(16) < 8})
    loop.model[4].requires_grad_(True)  # type: ignore[index, operator]
    before = weights(loop.neq)
    loop.train()
    assert (weights(loop.neq)["4"][0][:8] == before["4"][0][:8]).all()
    assert (weights(loop.neq)["4"][0][8:] != before["4"][0][8:]).any()


def test_a_layer_whose_weight_is_pruned_is_measured_and_never_frozen() -> None:
    model = network()
    prune.l1_unstructured(model[4], "weight", 0.5)  # type: ignore[no-untyped-call]
    loop = Loop(model, epsilon=1.0)
    for _ in range(4):
        equilibrium = loop.epoch()
    assert not equilibrium.layers["4"].frozen.any()
    assert equilibrium.layers["0"].frozen.all()
    held_open = {layer.name: layer.held_open for layer in loop.neq.layers}
    assert held_open["4"] == "its weight is computed from other parameters, which have no row for each neuron"


CHANGES: dict[str, Callable[[nn.Module], object]] = {
    "pruned": lambda layer: prune.l1_unstructured(layer, "weight", 0.5),  # type: ignore[no-untyped-call]
    "parametrised": lambda layer: nn.utils.parametrizations.weight_norm(layer),
    "assigned": lambda layer: layer.load_state_dict(copy.deepcopy(layer.state_dict()), assign=True),
    "another weight": lambda layer: setattr(layer, "weight", nn.Parameter(torch.randn(16, 288))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_layer_that_gets_other_parameters_later_is_refused_in_that_epoch(change: str) -> None:
    loop = Loop()
    loop.epoch()
    CHANGES[change](loop.model[4])  # type: ignore[index, arg-type]
    loop.train()
    with pytest.raises(ParametersReplaced, match=r"layer '4' .* make the optimizer and NEq anew"):
        loop.neq.end_epoch()


class WithGain(nn.Conv2d):
    """A convolution whose weight is standardised and scaled, channel by channel, as timm's ScaledStdConv2d."""

    def __init__(self) -> None:
        super().__init__(1, 8, 3)
        self.gain = nn.Parameter(torch.full((8, 1, 1, 1), 1.0))

    def forward(self, inputs: Tensor) -> Tensor:
        return nn.functional.conv2d(inputs, self.weight * self.gain, self.bias)


class WithTemperature(nn.Linear):
    """A linear layer with one number for all of its neurons."""

    def __init__(self) -> None:
        super().__init__(288, 16)
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs) * self.temperature


def test_what_a_neuron_owns_beside_weight_and_bias_freezes_with_it() -> None:
    model = network()
    model[0] = WithGain()
    loop = Loop(model)
    loop.epoch()
    gain = model[0].gain
    assert any(parameter is gain for parameter in loop.neq.layers[0].parameters())
    loop.neq.freeze({"0": torch.arange(8) < 4})
    before = gain.detach().clone()
    loop.train()
    assert torch.equal(gain[:4], before[:4])
    assert (gain[4:] != before[4:]).all()


def test_a_layer_with_a_parameter_of_no_neuron_never_freezes() -> None:
    model = network()
    model[4] = WithTemperature()
    loop = Loop(model, epsilon=1.0)
    for _ in range(4):
        equilibrium = loop.epoch()
    assert not equilibrium.layers["4"].frozen.any()
    assert {layer.name: layer.held_open for layer in loop.neq.layers}["4"] == (
        "its parameter 'temperature' has no entry for each neuron"
    )


def test_layers_that_are_unfrozen_later_are_watched_from_then_on() -> None:
    model = network()
    model[0].requires_grad_(False)
    optimizer = SGD([one for one in model.parameters() if one.requires_grad], lr=0.05, momentum=0.9)
    loop = Loop(model, optimizer, groups="layer")
    loop.until_some_freeze()
    assert "0" not in {layer.name for layer in loop.neq.layers}
    expected = {name: mask.clone() for name, mask in loop.neq._masks().items()}

    model[0].requires_grad_(True)
    optimizer.add_param_group({"params": list(model[0].parameters()), "lr": 0.01})
    before = weights(loop.neq)
    equilibrium = loop.epoch()
    assert list(equilibrium.layers) == ["0", "1", "4", "6"]
    assert applied_that_moved(equilibrium, loop.neq, before) == 0
    assert all(torch.equal(equilibrium.layers[name].applied, mask) for name, mask in expected.items())
    assert (equilibrium.layers["0"].phi < 1).all()
    assert equilibrium.layers["0"].velocity is None
    assert not equilibrium.layers["0"].frozen.any()
    assert equilibrium.layers["4"].velocity is not None
    velocity = loop.epoch().layers["0"].velocity
    assert velocity is not None
    assert velocity.isfinite().all()
    state = loop.neq.state_dict()
    assert list(state["layers"]) == ["0", "1", "4", "6"]


WATCHED: list[dict[str, Any]] = [{"measure": "streaming"}, {"measure": "cached"}, {"formula": "official"}]


@pytest.mark.parametrize("options", WATCHED)
def test_watching_more_changes_nothing_of_what_was_watched(options: dict[str, Any]) -> None:
    def found(*, enabled: bool) -> list[Tensor]:
        model = network()
        model[0].requires_grad_(False)
        loop = Loop(model, SGD(model[1:].parameters(), lr=0.05, momentum=0.9), **options, layers=LayerFilter())
        results = []
        for number in range(6):
            if number == 3 and enabled:  # and no optimizer moves it: the other layers go on as they would have
                model[0].requires_grad_(True)
            layer = loop.epoch().layers["4"]
            results += [layer.phi] + ([] if layer.velocity is None else [layer.velocity])
        return results

    without = found(enabled=False)
    with pytest.warns(LayerNotTrained, match=r"layer '0' .* no optimizer moves it"):
        more = found(enabled=True)
    for one, other in zip(without, more, strict=True):
        assert torch.equal(one, other)


def test_frozen_neurons_of_a_model_that_is_moved_to_another_type_stay_where_they_are() -> None:
    model = network()
    loop = Loop(model, SGD(model.parameters(), lr=0.05))
    equilibrium = loop.until_some_freeze()
    loop.step()
    model.double()
    before = weights(loop.neq)
    for _ in range(2):
        loop.optimizer.zero_grad()
        nn.functional.cross_entropy(model(INPUTS.double()), LABELS).backward()
        loop.optimizer.step()
    assert frozen_that_moved(equilibrium, loop.neq, before) == 0
