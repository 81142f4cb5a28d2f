"""Whole short runs with savings on and off: the same losses, parameters and optimizer states, to the bit."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.optim import (
    ASGD,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
)

from neq import NEq
from neq.options import SavingsMode
from neq.savings.compiled import LIMIT

pytestmark = pytest.mark.slow

OPTIMIZERS: dict[str, Callable[[Sequence[nn.Parameter]], Optimizer]] = {
    "sgd": lambda p: SGD(p, lr=0.05),
    "sgd, momentum": lambda p: SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-2),
    "sgd, dampened": lambda p: SGD(p, lr=0.05, momentum=0.9, dampening=0.1, weight_decay=1e-2),
    "sgd, nesterov, foreach": lambda p: SGD(p, lr=0.05, momentum=0.9, nesterov=True, foreach=True),
    "sgd, fused": lambda p: SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-2, fused=True),
    "adam": lambda p: Adam(p, lr=0.01, weight_decay=1e-2),
    "adam, amsgrad, foreach": lambda p: Adam(p, lr=0.01, amsgrad=True, foreach=True),
    "adam, fused": lambda p: Adam(p, lr=0.01, weight_decay=1e-2, fused=True),
    "adamw": lambda p: AdamW(p, lr=0.01, weight_decay=0.1),
    "adamw, fused": lambda p: AdamW(p, lr=0.01, weight_decay=0.1, fused=True),
    "radam": lambda p: RAdam(p, lr=0.01, weight_decay=1e-2),
    "nadam": lambda p: NAdam(p, lr=0.01, weight_decay=1e-2),
    "adamax": lambda p: Adamax(p, lr=0.01, weight_decay=1e-2),
    "adadelta": lambda p: Adadelta(p, lr=0.5, weight_decay=1e-2),
    "adagrad": lambda p: Adagrad(p, lr=0.05, weight_decay=1e-2, lr_decay=1e-2),
    "adagrad, fused": lambda p: Adagrad(p, lr=0.05, lr_decay=1e-2, fused=True),
    "rmsprop": lambda p: RMSprop(p, lr=0.01, momentum=0.9, centered=True, weight_decay=1e-2),
    "rprop": lambda p: Rprop(p, lr=0.01),
    "asgd": lambda p: ASGD(p, lr=0.05, weight_decay=1e-2),
    "adafactor": lambda p: Adafactor(p, lr=0.05, weight_decay=1e-2),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums on several threads are split by their number and may round otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.Conv2d(32, 48, 3, stride=2),
        nn.GroupNorm(4, 48),
        nn.ReLU(inplace=True),
        nn.Conv2d(48, 48, 3, groups=4),
        nn.Flatten(),
        nn.Linear(48, 40),
        nn.ReLU(),
        nn.Linear(40, 10),
    )


def masks(neq: NEq, epoch: int) -> dict[str, Tensor]:
    """Layers that freeze whole and in part and thaw in part and whole, the first ones together most of all."""
    draw = torch.Generator().manual_seed(epoch)
    chosen = {}
    for place, layer in enumerate(neq.layers[:-1]):
        share = (0.0, 1.0, 0.6, 1.0, 1.0, 0.5, 0.0)[(epoch - (place > 2)) % 7]
        chosen[layer.name] = torch.rand(layer.neurons, generator=draw) < share
    return chosen


def run(
    optimizer: Callable[[Sequence[nn.Parameter]], Optimizer],
    savings: SavingsMode,
    *,
    momentum_on_thaw: str = "keep",
    step: Callable[[nn.Module, Optimizer, Tensor], Tensor] | None = None,
) -> tuple[list[Tensor], dict[str, Tensor], set[str]]:
    """Losses, parameters at the end, and the kinds of plan that there were."""
    model = network()
    optim = optimizer(list(model.parameters()))
    data = torch.randn(8, 6, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    losses, kinds = [], set()
    with NEq(model, optim, [data[0]], savings=savings, momentum_on_thaw=momentum_on_thaw) as neq:  # type: ignore[arg-type]
        for epoch in range(9):
            neq.freeze(masks(neq, epoch))
            for batch in data[:4]:
                losses.append((step or plain_step)(model, optim, batch))
                kinds |= {plan.kind for plan in neq.plans().values()}
    return losses, model.state_dict(), kinds


def plain_step(model: nn.Module, optim: Optimizer, batch: Tensor) -> Tensor:
    optim.zero_grad()
    loss = nn.functional.cross_entropy(model(batch), torch.arange(6) % 10)
    loss.backward()
    optim.step()
    return loss.detach()


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("momentum_on_thaw", ["keep", "cold"])
def test_losses_with_savings_on_and_off_are_the_same_bits(name: str, momentum_on_thaw: str) -> None:
    off, weights_off, kinds_off = run(OPTIMIZERS[name], False, momentum_on_thaw=momentum_on_thaw)
    on, weights_on, kinds_on = run(OPTIMIZERS[name], "rows", momentum_on_thaw=momentum_on_thaw)
    assert kinds_off == {"untouched", "dense"}
    whole = "zeros" if name in ("asgd", "nadam", "adafactor") else "stopped"
    assert kinds_on >= {"untouched", "rows", "dense", whole}
    assert [loss.item() for loss in on] == [loss.item() for loss in off]
    assert_same(weights_on, weights_off)


def test_measured_plans_give_the_same_bits_too() -> None:
    _, weights_off, _ = run(OPTIMIZERS["adamw"], False)
    _, weights_on, _ = run(OPTIMIZERS["adamw"], True)
    assert_same(weights_on, weights_off)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_rows_are_unchanged_to_the_bit_after_100_random_steps(name: str) -> None:
    model = network()
    optim = OPTIMIZERS[name](list(model.parameters()))
    with NEq(model, optim, [torch.randn(4, 3, 8, 8)], savings="rows") as neq:
        for _ in range(3):
            plain_step(model, optim, torch.randn(6, 3, 8, 8))
        frozen = {layer.name: torch.rand(layer.neurons) < 0.5 for layer in neq.layers}
        frozen["0"][:] = frozen["1"][:] = True
        neq.freeze(frozen)
        before = {key: value.clone() for key, value in model.named_parameters()}
        for _ in range(100):
            plain_step(model, optim, torch.randn(6, 3, 8, 8))
    for layer in neq.layers:
        for key, parameter in layer.module.named_parameters():
            changed = (parameter.detach() != before[f"{layer.name}.{key}"]).reshape(layer.neurons, -1).any(1)
            assert not changed[frozen[layer.name]].any(), f"{layer.name}.{key}"
            assert changed.any() or bool(frozen[layer.name].all()), f"{layer.name}.{key}"


def test_a_scaler_that_skips_fused_steps_leaves_the_same_counts() -> None:
    scales: list[float] = []

    def step(model: nn.Module, optim: Optimizer, batch: Tensor) -> Tensor:
        loss = 1000 * nn.functional.cross_entropy(model(batch), torch.arange(6) % 10)
        optim.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optim)
        scaler.update()
        scales.append(scaler.get_scale())
        return loss.detach()

    ends = []
    for savings in (False, "rows"):
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=3)  # overflows again and again
        ends.append(run(OPTIMIZERS["adam, fused"], savings, step=step)[1])  # type: ignore[arg-type]
    assert_same(*ends)
    assert scales[:36] == scales[36:]
    assert sum(later < earlier for earlier, later in pairwise(scales[:36])) > 3


def test_clipping_sees_the_same_norm_but_for_the_order_of_its_sum() -> None:
    def step(model: nn.Module, optim: Optimizer, batch: Tensor) -> Tensor:
        loss = nn.functional.cross_entropy(model(batch), torch.arange(6) % 10)
        optim.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optim.step()
        return norm

    off, weights_off, _ = run(OPTIMIZERS["sgd, momentum"], False, step=step)
    on, weights_on, _ = run(OPTIMIZERS["sgd, momentum"], "rows", step=step)
    torch.testing.assert_close(torch.stack(on), torch.stack(off), rtol=1e-5, atol=0)
    torch.testing.assert_close(weights_on, weights_off, rtol=1e-5, atol=1e-6)


def test_a_compiled_network_is_recompiled_a_few_times_and_its_losses_stay_the_same_bits() -> None:
    """Its masks change nine times, and the compiler would give up after eight recompiles."""
    ends, graphs = [], []
    for savings in (False, True):
        torch._dynamo.reset()
        compiled: list[nn.Module] = []

        def step(model: nn.Module, optim: Optimizer, batch: Tensor, own: list[nn.Module] = compiled) -> Tensor:
            if not own:
                own.append(torch.compile(model, backend="eager"))  # type: ignore[arg-type]
            return plain_step(own[0], optim, batch)

        losses, weights, kinds = run(OPTIMIZERS["sgd, momentum"], savings, step=step)  # type: ignore[arg-type]
        ends.append((losses, weights))
        graphs.append(torch._dynamo.utils.counters["stats"]["unique_graphs"])
    torch._dynamo.reset()
    assert ends[0][0] == ends[1][0]
    assert_same(ends[1][1], ends[0][1])
    assert kinds == {"untouched", "dense", "stopped"}
    assert 2 < graphs[1] <= graphs[0] + LIMIT + 1
