"""A frozen neuron's weights and biases stay the same to the bit; all others move."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from neq import NEq
from neq.freeze.freeze import Freezer
from neq.network.discovery import LayerFilter, discover
from neq.network.layers import WatchedLayer
from tests.neq.marks import no_step_is_made

pytestmark = pytest.mark.usefixtures("held")

OPTIMIZERS: dict[str, Callable[[nn.Module], Optimizer]] = {
    "sgd": lambda m: SGD(m.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-2),
    "sgd slow": lambda m: SGD(m.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-2),
    "sgd fused": lambda m: SGD(m.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-2, fused=True),
    "nesterov": lambda m: SGD(m.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-2, nesterov=True),
    "adam": lambda m: Adam(m.parameters(), lr=0.01, weight_decay=1e-2),
    "adam fused": lambda m: Adam(m.parameters(), lr=0.01, weight_decay=1e-2, fused=True),
    "adamw": lambda m: AdamW(m.parameters(), lr=0.01, weight_decay=0.1),
    "rmsprop": lambda m: RMSprop(m.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-2),
}


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(6, 4, 2, groups=2),
        nn.GroupNorm(2, 4),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.LayerNorm([4, 3, 3]),
        nn.Flatten(),
        nn.Linear(36, 5),
    )


INPUTS = (8, 2, 6, 6)


def watched(model: nn.Module) -> tuple[WatchedLayer, ...]:
    return discover(model, lambda: model(torch.randn(INPUTS)), LayerFilter()).layers


def train(model: nn.Module, optimizer: Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(INPUTS)).square().sum().backward()
        optimizer.step()


def every_second(layers: tuple[WatchedLayer, ...]) -> dict[str, Tensor]:
    return {layer.name: torch.arange(layer.neurons) % 2 == 0 for layer in layers}


def moved(layer: WatchedLayer, before: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """By parameter: bool, one value a neuron, whether anything of its weights or bias differs by a single bit."""
    result = {}
    for name, parameter in layer.module.named_parameters():
        changed = parameter.detach() != before[f"{layer.name}.{name}"]
        if isinstance(layer.module, nn.ConvTranspose2d) and name == "weight":
            # (inputs, outputs / groups, …): output o lies in group o // 2, whose inputs are 3 · group … + 3.
            neurons = [changed[3 * (o // 2) : 3 * (o // 2) + 3, o % 2].any() for o in range(4)]
            result[name] = torch.stack(neurons)
        else:
            result[name] = changed.reshape(layer.neurons, -1).any(dim=1)
    return result


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_frozen_rows_and_biases_are_unchanged_to_the_bit_and_all_others_move(optimizer: str) -> None:
    model = network()
    optim = OPTIMIZERS[optimizer](model)
    layers = watched(model)
    train(model, optim, 3)  # momentum and second moments are warm
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    freezer = Freezer(layers, optim)
    freezer.apply(every_second(layers))
    train(model, optim, 20)
    for layer in layers:
        expected = torch.arange(layer.neurons) % 2 == 1
        for name, changed in moved(layer, before, model).items():
            assert changed.tolist() == expected.tolist(), f"{layer.name}.{name}"


def test_without_the_freezer_momentum_and_decay_would_move_them() -> None:
    model = network()
    optim = OPTIMIZERS["sgd"](model)
    train(model, optim, 3)
    before = model.get_parameter("0.weight").clone()
    optim.zero_grad(set_to_none=False)
    optim.step()
    assert bool((before != model.get_parameter("0.weight")).all())


def test_a_thawed_neuron_moves_again() -> None:
    model = network()
    optim = OPTIMIZERS["sgd"](model)
    layers = watched(model)
    freezer = Freezer(layers, optim)
    freezer.apply(every_second(layers))
    train(model, optim, 2)
    freezer.apply({})
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    train(model, optim, 2)
    for layer in layers:
        assert all(changed.all() for changed in moved(layer, before, model).values()), layer.name


def test_gradients_of_frozen_rows_are_zero_before_the_step() -> None:
    model = network()
    optim = OPTIMIZERS["sgd"](model)
    layers = watched(model)
    freezer = Freezer(layers, optim)
    freezer.apply({"0": torch.tensor([True, False] * 3)})
    model(torch.randn(INPUTS)).square().sum().backward()
    model(torch.randn(INPUTS)).square().sum().backward()  # accumulated
    for name in ("0.weight", "0.bias"):
        gradient = model.get_parameter(name).grad
        assert gradient is not None
        assert (gradient[0::2] == 0).all()
        assert (gradient[1::2] != 0).any()


def test_running_statistics_of_a_frozen_batch_norm_follow_the_data() -> None:
    model = network()
    optim = OPTIMIZERS["sgd"](model)
    freezer = Freezer(watched(model), optim)
    freezer.apply({"1": torch.ones(6, dtype=torch.bool)})
    before = model.get_buffer("1.running_mean").clone()
    train(model, optim, 2)
    assert bool((model.get_buffer("1.running_mean") != before).all())


@pytest.mark.parametrize("optimizer", ["sgd slow", "adam", "adamw"])
def test_what_neq_froze_is_unchanged_after_its_epoch(optimizer: str) -> None:
    model = network()
    optim = OPTIMIZERS[optimizer](model)
    probe = [torch.randn(INPUTS)]
    neq = NEq(model, optim, probe, epsilon=0.1)
    seen_frozen = seen_moving = 0
    for _ in range(6):
        before = {name: tensor.clone() for name, tensor in model.named_parameters()}
        train(model, optim, 3)
        applied = {name: layer.applied for name, layer in neq.end_epoch().layers.items()}
        for layer in neq.layers:
            for changed in moved(layer, before, model).values():
                assert not (changed & applied[layer.name]).any()
                seen_frozen += int(applied[layer.name].sum())
                seen_moving += int(changed.sum())
    assert seen_frozen
    assert seen_moving


@no_step_is_made
def test_closing_leaves_model_and_optimizer_as_they_were_found() -> None:
    model = network()
    optim = OPTIMIZERS["sgd"](model)
    with NEq(model, optim, [torch.randn(INPUTS)], epsilon=4.0) as neq:
        neq.end_epoch()
        assert neq.end_epoch().frozen_fraction > 0.5
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    train(model, optim, 2)
    assert all((tensor != before[name]).any() for name, tensor in model.named_parameters())
    assert not optim._optimizer_step_post_hooks
    assert not any(module._forward_hooks for module in model.modules())
    assert not any(parameter._post_accumulate_grad_hooks for parameter in model.parameters())
