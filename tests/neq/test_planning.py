"""Trying what pays never ends a run, and keeps no verdict that it could not come to."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neq import NEq
from neq.decide.selection import in_whole_blocks
from neq.savings import choice, measuring
from neq.savings.choice import WeightGradientTask
from tests.neq.test_selection import selection_input

MASKS = {"0": torch.arange(64) < 40, "2": torch.arange(48) % 2 == 0}
ERRORS: list[Callable[[], Exception]] = [
    MemoryError,
    lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    lambda: RuntimeError("[enforce fail at alloc_cpu.cpp:119] . DefaultCPUAllocator: can't allocate memory"),
    lambda: RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
]


@pytest.fixture(autouse=True)
def measured_anew() -> Iterator[None]:
    """On one thread, and with nothing known from other tests, nor left for them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    measuring.forget()
    yield
    measuring.forget()
    torch.set_num_threads(threads)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 3))


def train(neq: NEq, model: nn.Module, optimizer: torch.optim.Optimizer, batches: list[Tensor]) -> list[dict[str, str]]:
    """The kinds of the frozen layers' plans after each step."""
    told: list[dict[str, str]] = []
    for batch in batches:
        optimizer.zero_grad()
        model(batch).square().sum().backward()
        optimizer.step()
        told.append({name: neq.plans()[name].kind for name in MASKS})
    return told


def trained(savings: Any, batches: list[Tensor]) -> tuple[list[dict[str, str]], dict[str, Tensor], set[str]]:
    """The plans' kinds after each step; parameters and the plans' reasons after the last."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    with NEq(model, optimizer, [torch.ones(2, 20)], savings=savings) as neq:
        neq.freeze(MASKS)
        kinds = train(neq, model, optimizer, batches)
        return kinds, copy.deepcopy(model.state_dict()), {neq.plans()[name].reason for name in MASKS}


def batches(count: int = 3) -> list[Tensor]:
    torch.manual_seed(1)
    return list(torch.randn(count, 9, 20))


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("savings", [True, "rows"])
def test_without_the_memory_to_try_some_rows_alone_all_are_computed_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception], savings: Any
) -> None:
    _, expected, _ = trained(False, batches())
    asked = 0

    def run(task: WeightGradientTask, way: str, rows: object) -> Any:
        nonlocal asked
        asked += 1
        raise error()

    monkeypatch.setattr(WeightGradientTask, "run", run)
    kinds, found, reasons = trained(savings, batches())
    assert asked == 2  # once a layer, not in every step
    assert kinds == [dict.fromkeys(MASKS, "dense")] * 3
    assert reasons == {choice.NO_MEMORY.reason}
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_an_error_that_is_no_lack_of_memory_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(task: WeightGradientTask, way: str, rows: object) -> Any:
        raise RuntimeError("a fault")

    monkeypatch.setattr(WeightGradientTask, "run", run)
    with pytest.raises(RuntimeError, match="a fault"):
        trained(True, batches())


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_gradients_that_are_not_finite_decide_nothing_and_the_next_step_tries_anew(value: float) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    first, *later = batches()
    with NEq(model, optimizer, [torch.ones(2, 20)], savings="rows") as neq:
        neq.freeze(MASKS)
        optimizer.zero_grad()
        (model(first) * value).sum().backward()
        assert {plan.kind for name, plan in neq.plans().items() if name in MASKS} == {"undecided"}
        assert "not finite" in neq.plans()["0"].reason
        assert not choice._sound
        model.zero_grad()
        assert train(neq, model, optimizer, later) == [dict.fromkeys(MASKS, "rows")] * 2


def test_gradients_that_stay_not_finite_are_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with NEq(model, optimizer, [torch.ones(2, 20)], savings="rows") as neq:
        neq.freeze(MASKS)
        kinds = train(neq, model, optimizer, [torch.full((9, 20), torch.nan)] * 20)
    undecided = [step for step, told in enumerate(kinds) if told["0"] == "undecided"]
    assert undecided == list(range(15))
    assert kinds[-1] == dict.fromkeys(MASKS, "dense")


def test_blocks_rounds_to_what_each_layer_s_device_computes_together() -> None:
    found = selection_input([0.01 * item for item in range(160)] * 2, [160, 160], 0.495)  # 110 of each would move
    for blocks, moving in (([64, 16], [128, 112]), (None, [112, 112])):
        frozen = in_whole_blocks(replace(found, blocks=blocks)).split([160, 160])
        assert [int((~layer).sum()) for layer in frozen] == moving
