"""Who may freeze is looked at anew when more is trained, and tried where a parameter fits neurons by its size alone."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from neq import NEq
from neq.errors import FrozenNeuronsChanged, LayerStoodStill, NEqTakenOver
from tests.neq.training_loop import Loop


class Scaled(nn.Linear):
    """One scale for all of its outputs."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs) * self.scale


class InputScaled(nn.Linear):
    """A scale for each inputs, which are as many as its outputs."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.scale = nn.Parameter(torch.ones(inputs))

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs * self.scale)


class OutputScaled(InputScaled):
    def forward(self, inputs: Tensor) -> Tensor:
        return nn.Linear.forward(self, inputs) * self.scale


class Unused(InputScaled):
    """Nothing shows which neuron an entry belongs to."""

    def forward(self, inputs: Tensor) -> Tensor:
        return nn.Linear.forward(self, inputs) + 0 * self.scale.flip(0)


class InputScaledConv(nn.Conv2d):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)
        self.scale = nn.Parameter(torch.ones(inputs, 1, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs * self.scale)


def net(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), layer, nn.ReLU(), nn.Linear(16, 4))


def test_a_parameter_of_no_neuron_that_is_unfrozen_later_opens_its_layer() -> None:
    torch.manual_seed(0)
    model = net(Scaled(16, 16))
    scale = model.get_parameter("3.scale")
    scale.requires_grad_(False)
    loop = Loop(model, SGD(model.parameters(), lr=0.05), epsilon=0.5)
    while not bool(loop.epoch().layers["3"].frozen.all()):
        pass
    scale.requires_grad_(True)
    loop.train()
    with pytest.warns(
        FrozenNeuronsChanged, match="layer '3': more of it is trained.*'scale' has no entry for each neuron"
    ):
        after = loop.neq.end_epoch()
    assert not after.layers["3"].applied.any()
    assert after.layers["1"].applied.any()
    assert not after.layers["3"].frozen.any()
    assert not loop.epoch().layers["3"].frozen.any()


@pytest.mark.parametrize("kind", [InputScaled, Unused])
def test_a_parameter_that_fits_the_neurons_by_chance_leaves_its_layer_open(kind: type[InputScaled]) -> None:
    torch.manual_seed(0)
    loop = Loop(net(kind(16, 16)))
    held_open = {layer.name: layer.held_open for layer in loop.neq.layers}
    assert held_open["1"] is None
    assert held_open["3"] is not None
    assert "'scale' was not seen to act on one neuron alone" in held_open["3"]
    assert "register_layer" in held_open["3"]
    assert not any(loop.epoch().layers["3"].frozen.any() for _ in range(6))


def test_a_convolutions_scale_of_its_inputs_leaves_it_open_too() -> None:
    model = nn.Sequential(nn.Conv2d(1, 5, 3), InputScaledConv(5, 5), nn.Flatten(), nn.Linear(80, 4))
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(2, 1, 8, 8)])
    held_open = [layer.held_open for layer in neq.layers]
    assert [reason is None for reason in held_open] == [True, False, True]


def test_a_parameter_with_an_entry_for_each_neuron_freezes_along() -> None:
    torch.manual_seed(0)
    loop = Loop(net(OutputScaled(16, 16)))
    assert all(layer.held_open is None for layer in loop.neq.layers)
    loop.epoch()
    loop.neq.freeze({"3": torch.arange(16) < 8})
    before = loop.model.get_parameter("3.scale").detach().clone()
    loop.train()
    assert (loop.model.get_parameter("3.scale") != before).tolist() == [False] * 8 + [True] * 8


class Detached(nn.Sequential):
    """The loss does not reach its first layers."""

    def forward(self, inputs: Tensor) -> Tensor:
        for place, layer in enumerate(self):
            inputs = layer(inputs).detach() if place == 3 else layer(inputs)
        return inputs


def test_a_layer_that_is_free_and_that_no_step_moves_is_told_once() -> None:
    torch.manual_seed(0)
    model = Detached(*net(nn.Linear(16, 16)))
    loop = Loop(model, SGD(model.parameters(), lr=0.05))
    loop.train()
    with pytest.warns(LayerStoodStill, match=r"layer '1' \(one of 2\) is free.*never=\('1',\)"):
        loop.neq.end_epoch()
    loop.epoch()


@pytest.mark.parametrize("rate", [0.0, 0.05])
def test_layers_that_are_meant_to_stand_still_are_passed_over(rate: float) -> None:
    torch.manual_seed(0)
    model = net(nn.Linear(16, 16))
    rest = [*model[3].parameters(), *model[5].parameters()]
    if rate:
        model[1].requires_grad_(False)
    loop = Loop(model, SGD([{"params": [*model[1].parameters()], "lr": 0.0}, {"params": rest, "lr": 0.05}]))
    for _ in range(3):
        loop.epoch()  # LayerStoodStill would be an error here


def test_one_that_only_measures_follows_a_model_beside_another() -> None:
    loop = Loop()
    beside = NEq(loop.model, loop.optimizer, [torch.randn(8, 1, 8, 8)], select="none")
    for _ in range(6):
        equilibrium = loop.epoch()  # NEqTakenOver would be an error here
        assert not any(layer.frozen.any() for layer in beside.end_epoch().layers.values())
    assert equilibrium.frozen_fraction > 0
    again = NEq(loop.model, loop.optimizer, [torch.randn(8, 1, 8, 8)], select="none")
    loop.epoch()
    again.end_epoch()


def test_one_that_only_measured_takes_over_when_it_is_told_to_freeze() -> None:
    loop = Loop()
    loop.epoch()
    beside = NEq(loop.model, loop.optimizer, [torch.randn(8, 1, 8, 8)], select="none")
    with pytest.warns(NEqTakenOver, match="that one is closed now"):
        beside.freeze({"4": torch.ones(16, dtype=torch.bool)})
    beside.freeze({"4": torch.ones(16, dtype=torch.bool)})
