"""Frozen neurons under training as people do it: any optimizer, groups, accumulation, mixed precision, layouts."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from torch.optim import SGD, Adam, Optimizer

from neq import NEq
from neq.reference import cosine
from tests.neq.marks import no_step_is_made

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("held")]

OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "sgd dampening": lambda p: SGD(p, lr=0.05, momentum=0.9, dampening=0.2, weight_decay=0.1),
    "sgd nesterov foreach": lambda p: SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.1, foreach=True),
    "sgd maximize": lambda p: SGD(p, lr=0.001, momentum=0.9, weight_decay=0.1, maximize=True),
    "adam amsgrad": lambda p: Adam(p, lr=0.01, amsgrad=True, weight_decay=0.1),
    "adam foreach": lambda p: Adam(p, lr=0.01, weight_decay=0.1, foreach=True),
    "adamw fused": lambda p: optim.AdamW(p, lr=0.01, weight_decay=0.5, fused=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.01, weight_decay=0.1),
    "adamax": lambda p: optim.Adamax(p, lr=0.01, weight_decay=0.1),
    "nadam": lambda p: optim.NAdam(p, lr=0.01, weight_decay=0.1),
    "radam": lambda p: optim.RAdam(p, lr=0.01, weight_decay=0.1),
    "adadelta": lambda p: optim.Adadelta(p, lr=0.5, weight_decay=0.1),
    "rprop": lambda p: optim.Rprop(p, lr=0.01),
    "asgd": lambda p: optim.ASGD(p, lr=0.01, weight_decay=0.1),
    "adafactor": lambda p: optim.Adafactor(p, lr=0.01, weight_decay=0.1),
    "lbfgs": lambda p: optim.LBFGS(p, lr=0.1, max_iter=3),
}

FROZEN = torch.tensor([True, False, True, False])


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def watch(model: nn.Module, optimizer: Optimizer, **options: Any) -> NEq:
    neq = NEq(model, optimizer, [torch.randn(5, 3)], measure="streaming", **options)
    neq.freeze({"0": FROZEN})
    return neq


def rows_that_moved(layer: nn.Module, before: dict[str, Tensor]) -> list[list[bool]]:
    """By parameter, bool a neuron."""
    now = dict(layer.named_parameters())
    return [(now[name] != was).flatten(1).any(1).tolist() if was.dim() > 1 else (now[name] != was).tolist()
            for name, was in before.items()]  # fmt: skip


def copies(layer: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in layer.named_parameters()}


def loss(model: nn.Module) -> Tensor:
    out: Tensor = model(torch.randn(6, 3)).square().sum()
    return out


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
def test_frozen_rows_stand_to_the_bit_under_any_optimizer(optimizer: str) -> None:
    model = network()
    chosen = OPTIMIZERS[optimizer](model.parameters())

    def closure() -> Tensor:
        chosen.zero_grad()
        value = loss(model)
        value.backward()
        return value

    for _ in range(2):  # so that there is momentum
        chosen.step(closure)
    _neq = watch(model, chosen)
    before = copies(model[0])
    for _ in range(100):
        chosen.step(closure)
    assert rows_that_moved(model[0], before) == [[not frozen for frozen in FROZEN.tolist()]] * 2


def test_parameter_groups_keep_their_own_learning_rates() -> None:
    model = network()
    optimizer = SGD(
        [{"params": [model[0].weight], "lr": 0.1}, {"params": [model[0].bias, *model[2].parameters()], "lr": 0.0}],
        lr=1.0,
        momentum=0.9,
    )
    _neq = watch(model, optimizer)
    before = copies(model[0])
    for _ in range(3):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()
    assert rows_that_moved(model[0], before) == [[False, True, False, True], [False] * 4]


def test_gathered_gradients_of_frozen_rows_stay_zero() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    _neq = watch(model, optimizer)
    before = copies(model[0])
    for _ in range(4):
        loss(model).backward()
    assert model[0].weight.grad is not None
    assert (model[0].weight.grad == 0).all(1).tolist() == FROZEN.tolist()
    optimizer.step()
    assert rows_that_moved(model[0], before)[0] == [False, True, False, True]


def test_a_step_that_the_scaler_leaves_out_changes_nothing_and_others_keep_frozen_rows() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    _neq = watch(model, optimizer)
    before = copies(model[0])
    for overflow in (False, True, False):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = loss(model)
        scaler.scale(value * (float("inf") if overflow else 1.0)).backward()
        there = copies(model[0])
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        assert any(rows_that_moved(model[0], there)[0]) != overflow
    assert rows_that_moved(model[0], before) == [[False, True, False, True]] * 2


@no_step_is_made
def test_outputs_of_reduced_precision_are_compared_as_they_are() -> None:
    model, probe = network(), torch.randn(50, 3)

    def forward(model: nn.Module, batch: Tensor) -> object:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return model(batch)

    def outputs() -> list[list[float]]:
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            return model[0](probe).T.tolist()  # type: ignore[no-any-return]

    neq = NEq(model, SGD(model.parameters(), lr=0.1), [probe], forward=forward)
    before = outputs()
    with torch.no_grad():
        model[0].weight += 0.3
    expected = [cosine(now, was) for now, was in zip(outputs(), before, strict=True)]
    assert neq.end_epoch().layers["0"].phi.tolist() == pytest.approx(expected, abs=1e-6)


def test_channels_last_weights_are_held_too() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3)).to(memory_format=torch.channels_last)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    probe = torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    neq = NEq(model, optimizer, [probe])
    neq.freeze({"0": FROZEN})
    before = copies(model[0])
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(2, 3, 8, 8).contiguous(memory_format=torch.channels_last)).square().sum().backward()
        optimizer.step()
    assert rows_that_moved(model[0], before) == [[False, True, False, True]] * 2
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert (neq.end_epoch().layers["0"].phi == 1).tolist() == FROZEN.tolist()


@pytest.mark.parametrize("thaw", ["keep", "cold"])
def test_a_thawed_neuron_goes_on_with_the_momentum_that_it_froze_with_or_with_none(thaw: str) -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    neq = NEq(model, optimizer, [torch.randn(5, 3)], momentum_on_thaw=thaw)  # type: ignore[arg-type]
    for _ in range(2):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()
    buffer = optimizer.state[model[0].weight]["momentum_buffer"]
    froze_with = buffer.clone()
    neq.freeze({"0": FROZEN})
    for _ in range(3):
        optimizer.zero_grad()
        loss(model).backward()
        optimizer.step()
    assert not torch.equal(buffer[0], froze_with[0])  # it decayed meanwhile, and weight decay leaked in
    neq.freeze({"0": torch.tensor([False, False, True, False])})
    assert torch.equal(buffer[0], froze_with[0] if thaw == "keep" else torch.zeros(3))
    optimizer.zero_grad()
    loss(model).backward()
    optimizer.step()
    neq.freeze({})
    assert torch.equal(buffer[2], froze_with[2] if thaw == "keep" else torch.zeros(3))


def test_closing_gives_momentum_back() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss(model).backward()
    optimizer.step()
    with watch(model, optimizer):
        froze_with = optimizer.state[model[0].weight]["momentum_buffer"].clone()
        for _ in range(3):
            optimizer.zero_grad()
            loss(model).backward()
            optimizer.step()
    assert torch.equal(optimizer.state[model[0].weight]["momentum_buffer"][FROZEN], froze_with[FROZEN])


def test_momentum_on_thaw_has_two_choices() -> None:
    model = network()
    with pytest.raises(ValueError, match="momentum_on_thaw is 'warm'; choose keep or cold"):
        watch(model, SGD(model.parameters(), lr=0.1), momentum_on_thaw="warm")
