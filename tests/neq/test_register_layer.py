"""Kinds of layers of one's own: measured, frozen to the bit, thawed and saved like torch's."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from transformers.pytorch_utils import Conv1D

from neq import NEq, register_layer
from neq.flops import Multiplied
from tests.neq.marks import no_step_is_made


class Columns(nn.Module):
    """Inputs times a matrix of (inputs, outputs), times a gain of each output."""

    def __init__(self, inputs: int, outputs: int, *, shift: bool = True) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(inputs, outputs))
        self.gain = nn.Parameter(torch.rand(outputs) + 0.5)
        self.shift = nn.Parameter(torch.randn(outputs)) if shift else None
        self.warmth = nn.Parameter(torch.ones(()))

    def forward(self, inputs: Tensor) -> Tensor:
        out = inputs @ self.matrix * self.gain * self.warmth
        return out if self.shift is None else out + self.shift


register_layer(Columns, axis=-1, parameters={"matrix": 1, "gain": 0, "shift": 0})


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(Columns(3, 6), nn.ReLU(), Columns(6, 4, shift=False), nn.Linear(4, 2))


def packed() -> nn.Module:
    torch.manual_seed(0)
    return nn.TransformerEncoderLayer(4, 2, dim_feedforward=8, batch_first=True, dropout=0.0)


def conv1d() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(Conv1D(6, 3), nn.ReLU(), Conv1D(2, 6))


def step(model: nn.Module, optimizer: Optimizer, inputs: Tensor) -> None:
    optimizer.zero_grad()
    model(inputs).square().sum().backward()
    optimizer.step()


def optimizer_of(model: nn.Module, kind: Any) -> Optimizer:
    found: Optimizer = kind(model.parameters(), lr=0.01, weight_decay=0.1)
    return found


CASES = [
    (network, "0", {"matrix": 1, "gain": 0, "shift": 0}, (5, 3)),
    (network, "2", {"matrix": 1, "gain": 0}, (5, 3)),
    (conv1d, "0", {"weight": 1, "bias": 0}, (5, 3)),
    (packed, "self_attn", {"in_proj_weight": 0, "in_proj_bias": 0}, (2, 3, 4)),
    (packed, "self_attn.out_proj", {"weight": 0, "bias": 0}, (2, 3, 4)),
]
IDS = ["own", "own without a shift", "Conv1D", "packed projections", "output projection"]


@pytest.mark.parametrize("kind", [SGD, AdamW])
@pytest.mark.parametrize(("make", "name", "parameters", "shape"), CASES, ids=IDS)
def test_frozen_neurons_keep_every_bit_and_the_others_move(
    make: Any, name: str, parameters: dict[str, int], shape: tuple[int, ...], kind: Any
) -> None:
    model = make()
    optimizer = optimizer_of(model, kind)
    neq = NEq(model, optimizer, [torch.randn(shape)])
    layer = {layer.name: layer for layer in neq.layers}[name]
    step(model, optimizer, torch.randn(shape))
    mask = torch.zeros(layer.neurons, dtype=torch.bool)
    mask[[0, 2]] = True
    neq.freeze({name: mask})
    module = model.get_submodule(name)
    before = {key: getattr(module, key).detach().clone() for key in parameters}
    for _ in range(3):
        step(model, optimizer, torch.randn(shape))
    for key, dimension in parameters.items():
        stood = (getattr(module, key) == before[key]).movedim(dimension, 0).reshape(layer.neurons, -1).all(1)
        assert stood.tolist() == mask.tolist(), key
    neq.freeze({})
    for _ in range(2):
        step(model, optimizer, torch.randn(shape))
    for key, dimension in parameters.items():
        stood = (getattr(module, key) == before[key]).movedim(dimension, 0).reshape(layer.neurons, -1).all(1)
        assert not stood.any(), key


@pytest.mark.parametrize(("make", "name", "parameters", "shape"), CASES, ids=IDS)
@no_step_is_made
def test_phi_tells_which_neuron_turned_over(
    make: Any, name: str, parameters: dict[str, int], shape: tuple[int, ...]
) -> None:
    model = make()
    neq = NEq(model, optimizer_of(model, SGD), [torch.randn(shape)])
    module = model.get_submodule(name)
    with torch.no_grad():
        for key, dimension in parameters.items():
            if key != "gain":
                getattr(module, key).movedim(dimension, 0)[1] *= -1
    found = neq.end_epoch().layers[name].phi.tolist()
    assert found == pytest.approx([1.0, -1.0] + [1.0] * (len(found) - 2), abs=1e-6)


@pytest.mark.parametrize(("make", "name", "parameters", "shape"), CASES, ids=IDS)
def test_a_state_goes_on_as_if_never_interrupted(
    make: Any, name: str, parameters: dict[str, int], shape: tuple[int, ...]
) -> None:
    def trained(interrupted: bool) -> list[Tensor]:
        model = make()
        optimizer = optimizer_of(model, AdamW)
        torch.manual_seed(1)
        probe, data = [torch.randn(shape)], torch.randn(shape)
        neq = NEq(model, optimizer, probe, epsilon=0.05)
        for epoch in range(6):
            step(model, optimizer, data)
            neq.end_epoch()
            if interrupted and epoch == 3:
                state = neq.state_dict()
                neq.close()
                neq = NEq(model, optimizer, probe, epsilon=0.05)
                neq.load_state_dict(state)
        return [parameter.detach().clone() for parameter in model.parameters()]

    assert all(torch.equal(one, other) for one, other in zip(trained(False), trained(True), strict=True))


def test_a_layer_that_is_frozen_whole_is_stopped_and_others_computed_whole() -> None:
    model = network()
    optimizer = optimizer_of(model, SGD)
    neq = NEq(model, optimizer, [torch.randn(5, 3)])
    step(model, optimizer, torch.randn(5, 3))
    some = torch.tensor([True, False, False, False])
    neq.freeze({"0": torch.ones(6, dtype=torch.bool), "2": some})
    plans = neq.plans()
    assert plans["0"].kind == "stopped"
    assert (plans["2"].kind, plans["2"].computed) == ("dense", 4)


def test_operations_of_other_kinds_are_counted_as_matrices() -> None:
    model = nn.Sequential(Conv1D(6, 3), Conv1D(2, 6))
    neq = NEq(model, optimizer_of(model, SGD), [torch.randn(5, 3)])
    with Multiplied(neq.layers) as seen:
        model(torch.randn(7, 3))
    flops = seen.step_flops(neq.plans())
    assert {name: layer.forward for name, layer in flops.layers.items()} == {"0": 2 * 7 * 18, "1": 2 * 7 * 12}
    block = packed()
    neq = NEq(block, optimizer_of(block, SGD), [torch.randn(2, 3, 4)])
    with Multiplied(neq.layers) as seen:
        block(torch.randn(2, 3, 4))
    flops = seen.step_flops(neq.plans())
    # 6 places, 4 inputs each: 12 projections and 4 output projections.
    assert flops.layers["self_attn"].forward == 2 * 6 * 4 * 12
    assert flops.layers["self_attn.out_proj"].forward == 2 * 6 * 4 * 4


def test_the_last_registration_counts_and_subclasses_follow() -> None:
    class Own(nn.Linear):
        pass

    class More(Own):
        pass

    register_layer(Own, axis=1, parameters={"weight": 0, "bias": 0})
    register_layer(Own, axis=-1, parameters={"weight": 0})
    model = nn.Sequential(More(3, 4))
    neq = NEq(model, optimizer_of(model, SGD), [torch.randn(2, 5, 3)])
    (layer,) = neq.layers
    assert (layer.axis, [tuple(parameter.shape) for parameter in layer.parameters()]) == (-1, [(4, 3)])
    (row,) = neq.coverage().modules
    assert (row.watched, row.trainable) == (12, 16)
    assert row.reason == "which part of bias belongs to which neuron is not known"


def test_outputs_without_the_dimension_that_was_named_are_told_and_not_guessed() -> None:
    class Turned(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs).transpose(1, 2)

    register_layer(Turned, axis=-1, parameters={"weight": 0, "bias": 0})
    model = nn.Sequential(nn.Linear(3, 3), Turned(3, 4))
    neq = NEq(model, optimizer_of(model, SGD), [torch.randn(2, 5, 3)])
    assert neq.unwatched == {"1": "its output (2, 4, 5) has no dimension for its 4 neurons to be told by"}


class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(torch.zeros(3, 4)), nn.Parameter(torch.zeros(3, 3))
        self.third = nn.Parameter(torch.zeros(3, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"first": 1, "second": 0}, "different numbers of neurons"),
        ({"first": 2}, "no dimension 2"),
        ({"second": 0, "third": 1}, "two parameters of one shape"),
    ],
)
def test_a_kind_that_does_not_fit_its_layer_is_refused(parameters: dict[str, int], words: str) -> None:
    register_layer(Odd, axis=-1, parameters=parameters)
    model = nn.Sequential(Odd())
    with pytest.raises(ValueError, match=f"layer '0': .*{words}"):
        NEq(model, optimizer_of(model, SGD), [torch.randn(2, 3)])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((nn.Linear(2, 2), -1, {"weight": 0}), TypeError, "give its class, not an instance"),
        ((int, -1, {"weight": 0}), TypeError, "a class of modules"),
        ((nn.Linear, 0, {"weight": 0}), ValueError, "dimension of the samples"),
        ((nn.Linear, -1, {}), ValueError, "parameters is empty"),
        ((nn.Linear, "last", {"weight": 0}), TypeError, "whole numbers"),
        ((nn.Linear, True, {"weight": 0}), TypeError, "whole numbers"),
        ((nn.Linear, -1, {"weight": "0"}), TypeError, "whole numbers"),
        ((nn.Linear, -1, ["weight"]), TypeError, r"parameters is \['weight'\]; give a mapping"),
        ((nn.Linear, -1, {0: "weight"}), TypeError, "give a mapping from the layer's parameters to their dimensions"),
    ],
)
def test_what_cannot_be_registered_is_refused(arguments: Any, error: type[Exception], words: str) -> None:
    kind, axis, parameters = arguments
    with pytest.raises(error, match=words):
        register_layer(kind, axis=axis, parameters=parameters)


@pytest.mark.parametrize("parameters", [{"wieght": 0}, {"first": 1, "gian": 0}])
def test_a_slip_in_a_parameters_name_is_told_with_the_layers_own(parameters: dict[str, int]) -> None:
    register_layer(Odd, axis=-1, parameters=parameters)
    model = nn.Sequential(Odd())
    with pytest.raises(ValueError, match=r"layer '0': a Odd has no parameter '(wieght|gian)'.* its own are 'first', "):
        NEq(model, optimizer_of(model, SGD), [torch.randn(2, 3)])
