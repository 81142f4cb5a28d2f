"""Frozen neurons that their owner moves are told as moved in that epoch, whenever it happens, and kept."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from neq.errors import FrozenNeuronsChanged, FrozenNeuronsMoved
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

pytestmark = pytest.mark.usefixtures("held")


def _a_state_is_loaded(loop: Loop, best: dict[str, Tensor]) -> None:
    loop.model.load_state_dict(best)


def _weights_are_written_through_data(loop: Loop, best: dict[str, Tensor]) -> None:
    for name, parameter in loop.model.named_parameters():
        parameter.data.copy_(best[name])


@torch.no_grad()
def _weights_are_updated_by_hand(loop: Loop, best: dict[str, Tensor]) -> None:
    for parameter in loop.model.parameters():
        parameter.mul_(0.9)


CHANGES: list[Callable[[Loop, dict[str, Tensor]], None]] = [
    _a_state_is_loaded,
    _weights_are_written_through_data,
    _weights_are_updated_by_hand,
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_before_the_first_step_is_kept_and_told(change: Callable[[Loop, dict[str, Tensor]], None]) -> None:
    loop = Loop()
    loop.epoch()
    best = copy.deepcopy(loop.model.state_dict())
    equilibrium = loop.until_some_freeze()
    assert equilibrium.frozen_fraction > 0
    begun = weights(loop.neq)
    change(loop, best)
    changed = weights(loop.neq)
    loop.train()
    assert frozen_that_moved(equilibrium, loop.neq, changed) == 0  # the owner's values stay
    with pytest.warns(FrozenNeuronsChanged, match="the new values are kept, and these neurons count as not frozen"):
        after = loop.neq.end_epoch()
    assert applied_that_moved(after, loop.neq, begun) == 0


def test_weights_that_are_swapped_for_a_look_and_back_are_no_move() -> None:
    loop = Loop()
    loop.epoch()
    average = copy.deepcopy(loop.model.state_dict())
    equilibrium = loop.until_some_freeze()
    own = copy.deepcopy(loop.model.state_dict())
    loop.model.load_state_dict(average)
    loop.model.load_state_dict(own)
    after = loop.epoch()  # FrozenNeuronsChanged would be an error here
    assert all(torch.equal(after.layers[name].applied, layer.frozen) for name, layer in equilibrium.layers.items())


def test_writing_through_data_in_every_step_to_a_layer_that_is_frozen_whole_is_refused() -> None:
    loop = Loop()
    loop.train()
    loop.neq.freeze({"4": torch.ones(16, dtype=torch.bool)})
    loop.step(0)  # from here on it is stopped, and no optimizer touches it
    assert loop.neq.plans()["4"].kind == "stopped"
    for place in range(4):
        loop.step(place)
        loop.model[4].weight.data.mul_(1.01)  # type: ignore[index, union-attr, operator]
    with pytest.raises(FrozenNeuronsMoved, match=r"layer '4': 16 frozen neurons were moved between \d steps"):
        loop.neq.end_epoch()


def test_what_moved_is_told_in_the_epoch_in_which_another_layer_is_unfrozen() -> None:
    model = network()
    model[0].requires_grad_(False)
    optimizer = SGD([one for one in model.parameters() if one.requires_grad], lr=0.05, momentum=0.9)
    loop = Loop(model, optimizer)
    loop.until_some_freeze()
    begun = weights(loop.neq)
    loop.step(0)
    with torch.no_grad():
        model[4].weight.mul_(0.9)
    loop.step(1)
    model[0].requires_grad_(True)
    optimizer.add_param_group({"params": list(model[0].parameters()), "lr": 0.01})
    loop.step(2)
    with pytest.warns(FrozenNeuronsChanged, match="layer '4'"):
        after = loop.neq.end_epoch()
    assert list(after.layers) == ["0", "1", "4", "6"]
    assert not after.layers["4"].applied.any()
    assert applied_that_moved(after, loop.neq, begun) == 0


class Rounding(Optimizer):
    """Goes aside and back within its step, as some sharpness-aware optimizers do, which a float does not survive."""

    def __init__(self, inner: Optimizer) -> None:
        super().__init__(inner.param_groups, {})
        self.inner = inner

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.add_(0.1).sub_(0.1)
        self.inner.step()


def test_what_an_optimizer_does_within_its_own_step_is_undone_with_it_and_no_move_of_the_owner() -> None:
    model = network()
    optimizer = Rounding(SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4))
    loop = Loop(model, optimizer)
    equilibrium = loop.until_some_freeze()
    before = weights(loop.neq)
    after = loop.epoch()
    assert applied_that_moved(after, loop.neq, before) == 0
    assert all(torch.equal(after.layers[name].applied, layer.frozen) for name, layer in equilibrium.layers.items())


class LookAhead(Optimizer):
    """Wraps the optimizer that makes the steps, and pulls the weights back to slow ones after every second."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        super().__init__(optimizer.param_groups, {})
        self.slow = [one.detach().clone() for group in self.param_groups for one in group["params"]]
        self.count = 0

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> None:  # type: ignore[override]
        self.optimizer.step()
        self.count += 1
        if self.count % 2 == 0:
            for slow, one in zip(
                self.slow, (one for group in self.param_groups for one in group["params"]), strict=True
            ):
                slow.lerp_(one, 0.5)
                one.copy_(slow)


def test_an_optimizer_that_wraps_another_is_the_given_one_and_moves_nothing_frozen() -> None:
    model = network()
    loop = Loop(model, LookAhead(SGD(model.parameters(), lr=0.05, momentum=0.9)), epsilon=0.2)
    held = 0
    for _ in range(8):
        before, frozen = weights(loop.neq), loop.neq._masks()
        equilibrium = loop.epoch()  # AnotherOptimizer would be an error here
        assert applied_that_moved(equilibrium, loop.neq, before) == 0
        assert all(torch.equal(equilibrium.layers[name].applied, mask) for name, mask in frozen.items())
        held += sum(int(mask.sum()) for mask in frozen.values())
    assert held


class ScheduleFreeReference(Optimizer):
    """Schedule-free SGD that keeps both of its sequences, as the reference of arXiv:2405.15682 does."""

    def __init__(self, model: nn.Module, lr: float) -> None:
        super().__init__(model.parameters(), {"lr": lr, "k": 0})
        for group in self.param_groups:
            for one in group["params"]:
                self.state[one] = {"z": one.detach().clone(), "x": one.detach().clone()}

    @torch.no_grad()
    def eval(self) -> None:
        for group in self.param_groups:
            for one in group["params"]:
                one.copy_(self.state[one]["x"])

    @torch.no_grad()
    def train(self) -> None:
        for group in self.param_groups:
            for one in group["params"]:
                one.copy_(self.state[one]["x"].lerp(self.state[one]["z"], 0.1))

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            group["k"] += 1
            for one in group["params"]:
                if one.grad is not None:
                    x, z = self.state[one]["x"], self.state[one]["z"]
                    z.sub_(one.grad + 0.1 * one, alpha=group["lr"])  # weight decay, which reaches frozen rows too
                    x.lerp_(z, 1 / group["k"])
                    one.copy_(x.lerp(z, 0.1))


def test_a_schedule_free_optimizer_that_keeps_both_sequences_moves_nothing_frozen() -> None:
    model = network()
    optimizer = ScheduleFreeReference(model, lr=0.2)
    loop = Loop(model, optimizer, epsilon=0.1)
    held = 0
    for _ in range(8):
        begun, frozen = weights(loop.neq), loop.neq._masks()
        optimizer.train()
        loop.train()
        optimizer.eval()
        held += held_to_the_end(loop.neq, begun, frozen)
    assert held


def test_a_backward_pass_that_steps_is_seen_before_it_steps() -> None:
    """Rows that are planned for it would be computed with a weight that it has moved already."""
    model = network()
    each = {parameter: SGD([parameter], lr=0.05) for parameter in model.parameters()}
    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(lambda one: each[one].step())
    loop = Loop(model, next(iter(each.values())), savings="rows")
    loop.neq.freeze({"0": torch.arange(8) < 4, "4": torch.arange(16) < 8})
    assert {loop.neq.plans()[name].kind for name in ("0", "4")} == {"dense"}
    nn.functional.cross_entropy(model(INPUTS[:25]), LABELS[:25]).backward()
