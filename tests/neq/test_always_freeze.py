"""Layers that are frozen before the first step and never thaw, held against plain torch with requires_grad off."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from bench.kept import kept_bytes
from neq import LayerFilter, NEq
from neq.decide.selection import SelectionInput, selection
from neq.decide.velocity import VelocityState
from tests.neq.training_loop import INPUTS, LABELS, PROBE, Loop, network

FIRST_TWO = ["0.weight", "0.bias", "1.weight", "1.bias"]
"""Parameters of the network's convolution and of its batch norm."""
OPTIMIZERS: dict[str, Callable[[Sequence[nn.Parameter]], Optimizer]] = {
    "sgd": lambda parameters: SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4),
    "adam": lambda parameters: Adam(parameters, lr=0.01, weight_decay=1e-2),
}


def in_plain_torch(make: Callable[[Sequence[nn.Parameter]], Optimizer], epochs: int) -> dict[str, Tensor]:
    """What torch alone makes of the same training with the first two layers' parameters at requires_grad False."""
    model = network()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in FIRST_TWO)
    optimizer = make([parameter for parameter in model.parameters() if parameter.requires_grad])
    for _ in range(epochs):
        for place in range(4):
            optimizer.zero_grad()
            rows = slice(25 * place, 25 * place + 25)
            nn.functional.cross_entropy(model(INPUTS[rows]), LABELS[rows]).backward()
            optimizer.step()
    return model.state_dict()


@pytest.mark.parametrize("savings", [True, False])
@pytest.mark.parametrize("wanted", [2, ("0", nn.BatchNorm2d)], ids=["the first two", "by name and class"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_is_to_the_bit_what_torch_trains_without_those_gradients(name: str, wanted: Any, savings: bool) -> None:
    model, make = network(), OPTIMIZERS[name]
    before = {key: value.clone() for key, value in model.state_dict().items()}
    loop = Loop(model, make(list(model.parameters())), always_freeze=wanted, select="none", savings=savings)
    for _ in range(4):
        equilibrium = loop.epoch()
        for layer in ("0", "1"):
            assert equilibrium.layers[layer].applied.all() and equilibrium.layers[layer].frozen.all()
            assert bool((equilibrium.layers[layer].divergence >= 0).all())  # measured as others are
        assert not any(equilibrium.layers[layer].frozen.any() for layer in ("4", "6"))
    after, plain = model.state_dict(), in_plain_torch(make, 4)
    assert all(torch.equal(after[key], before[key]) for key in FIRST_TWO)
    assert not torch.equal(after["1.running_mean"], before["1.running_mean"])  # statistics follow the data
    assert [key for key in after if not torch.equal(after[key], plain[key])] == []


def test_the_first_step_already_keeps_nothing_of_a_static_prefix() -> None:
    dense = kept_bytes(network(), INPUTS[:25])
    still = network()
    for name, parameter in still.named_parameters():
        parameter.requires_grad_(name not in FIRST_TWO)
    loop = Loop(always_freeze=2)
    assert [loop.neq.plans()[name].kind for name in ("0", "1", "4")] == ["stopped", "stopped", "untouched"]
    assert kept_bytes(loop.model, INPUTS[:25]) == kept_bytes(still, INPUTS[:25]) < dense / 2
    loop.epoch()  # and the next epoch's plans, made anew
    assert kept_bytes(loop.model, INPUTS[:25]) == kept_bytes(still, INPUTS[:25])


def test_they_freeze_before_the_warm_up_is_over_and_stay_whatever_the_rule_decides() -> None:
    loop = Loop(always_freeze=("4",), warmup=3, epsilon=4.0)
    assert loop.neq.first_freezing_epoch == 0
    frozen = [[name for name, layer in loop.epoch().layers.items() if bool(layer.applied.all())] for _ in range(5)]
    # From epoch 3 on the rule freezes all, and gives back the last layer, for a step must be possible.
    assert frozen == [["4"]] * 3 + [["0", "1", "4"]] * 2


def test_where_all_freeze_the_last_that_may_thaw_is_given_back() -> None:
    loop = Loop(always_freeze=("6",), epsilon=4.0)
    for _ in range(4):
        equilibrium = loop.epoch()
    assert [name for name, layer in equilibrium.layers.items() if not layer.frozen.any()] == ["4"]
    assert equilibrium.layers["6"].frozen.all()


def test_the_official_formula_does_not_open_a_last_layer_that_is_always_frozen() -> None:
    loop = Loop(always_freeze=("6",), formula="official", epsilon=0.0)
    assert [layer.held_open for layer in loop.neq.layers] == [None] * 4
    assert loop.epoch().layers["6"].frozen.all()
    assert Loop(always_freeze=1, formula="official").neq.layers[-1].held_open


def test_a_growing_prefix_goes_on_behind_them() -> None:
    # Of three layers of two neurons the first moves fast and is always frozen; the second is half at equilibrium.
    v = torch.tensor([1, 1, 0, 1, 1, 1], dtype=torch.float64)
    outputs = VelocityState(torch.zeros_like(v), v, v, v < 0.1)
    always = torch.tensor([True, True, False, False, False, False])
    prefix = selection("prefix", fraction=0.5, seed=0)
    behind = prefix(SelectionInput(outputs, None, [2, 2, 2], always_frozen=always))
    assert behind.tolist() == [True, True, True, True, False, False]
    assert prefix(SelectionInput(outputs, None, [2, 2, 2])).tolist() == [False, False, True, False, False, False]


def test_masks_by_hand_do_not_thaw_them() -> None:
    loop = Loop(always_freeze=1)
    before = loop.model.state_dict()["0.weight"].clone()
    loop.neq.freeze({"4": torch.ones(16, dtype=torch.bool)})
    applied = loop.epoch().layers
    assert applied["0"].applied.all() and applied["4"].applied.all()
    assert torch.equal(loop.model.state_dict()["0.weight"], before)


def test_a_run_goes_on_from_its_state() -> None:
    whole, first, second = (Loop(always_freeze=2) for _ in range(3))
    for _ in range(4):
        whole.epoch()
    for _ in range(2):
        first.epoch()
    second.model.load_state_dict(first.model.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.neq.load_state_dict(first.neq.state_dict())
    for _ in range(2):
        last = second.epoch()
    assert last.layers["1"].applied.all()
    after = second.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in whole.model.state_dict().items())


def test_closing_lets_them_move() -> None:
    loop = Loop(always_freeze=2)
    loop.epoch()
    loop.neq.close()
    before = loop.model.state_dict()["0.weight"].clone()
    loop.step()
    assert not torch.equal(loop.model.state_dict()["0.weight"], before)


class Positions(nn.Module):
    """Adds a table that belongs to no neuron, between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out, self.table = nn.Linear(64, 16), nn.Linear(16, 16), nn.Parameter(torch.zeros(1, 16))

    def forward(self, inputs: Tensor) -> Tensor:
        """(samples, 16)."""
        return self.out(torch.relu(self.into(inputs.flatten(1))) + self.table)


def test_parameters_without_neurons_stand_still_with_the_first_layers() -> None:
    torch.manual_seed(0)
    held, free = (Loop(nn.Sequential(Positions(), nn.ReLU(), nn.Linear(16, 4)), always_freeze=n) for n in (2, 1))
    held.epoch(), free.epoch()
    assert held.neq.held_along == ("0.table",) and free.neq.held_along == ()
    assert not held.model.state_dict()["0.table"].any() and free.model.state_dict()["0.table"].any()


@pytest.mark.parametrize(
    ("wanted", "layers", "words"),
    [
        (("nosuch*",), None, r"always_freeze: 'nosuch\*' names no watched layer; the first are 0, 1, 4, 6"),
        (4, None, "always_freeze is 4, and 4 layers are watched: nothing would be left to train; choose at most 3"),
        (("*",), None, "always_freeze names every watched layer"),
        (("4",), LayerFilter(never_freeze=("4",)), "names '4', which cannot be frozen: layers.never_freeze names it"),
        (("4",), LayerFilter(never=("4",)), "always_freeze: '4' names no watched layer"),
        (-1, None, "always_freeze is -1; it must be 0 or more"),
    ],
)
def test_what_leaves_nothing_to_train_or_contradicts_is_refused(
    wanted: Any, layers: LayerFilter | None, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Loop(always_freeze=wanted, layers=layers)


@pytest.mark.parametrize("wanted", ["0", nn.Linear, True, 1.5, ["0"]])
def test_what_is_neither_a_number_nor_names_is_refused(wanted: Any) -> None:
    model = network()
    with pytest.raises(TypeError, match="always_freeze is"):
        NEq(model, SGD(model.parameters(), lr=0.1), PROBE, always_freeze=wanted)
