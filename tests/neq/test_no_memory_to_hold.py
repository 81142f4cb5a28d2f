"""Memory that runs out while it is noted who is frozen next: all is held as it was, and nothing is lost."""

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.optim import SGD, Adam, Optimizer

from neq import NEq
from neq.freeze import momentum
from neq.freeze.held import HeldRows
from neq.freeze.held_on_device import HeldAlone
from neq.freeze.held_together import HeldTogether
from tests.pretended.device import capturing, plain, pretending

pytestmark = pytest.mark.slow

FIRST = {"0": torch.arange(12) < 6, "2": torch.arange(8) < 4}
SECOND = {"0": torch.arange(12) < 9, "2": torch.arange(8) < 2}
DEVICES = ["cpu", "cuda"]


class Training:
    """A small network, one batch, and an NEq at whose epochs' ends neurons freeze."""

    def __init__(self, device: str, optimizer: type[Optimizer] = SGD, **options: Any) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 4))
        self.model.to(device)
        self.inputs = torch.randn(6, 16, generator=torch.Generator().manual_seed(1)).to(device)
        momentum: dict[str, Any] = {"momentum": 0.9} if optimizer is SGD else {}
        self.optimizer = optimizer(self.model.parameters(), lr=0.05, weight_decay=0.01, **momentum)  # type: ignore[call-arg]
        self.neq = NEq(self.model, self.optimizer, [self.inputs], epsilon=10.0, savings=False, **options)

    def steps(self) -> None:
        for _ in range(3):
            self.optimizer.zero_grad()
            self.model(self.inputs).square().mean().backward()
            self.optimizer.step()

    def numbers(self) -> list[Tensor]:
        states = (value for state in self.optimizer.state.values() for value in state.values())
        every = [*self.model.parameters(), *(one for one in states if isinstance(one, Tensor))]
        return [plain(one.detach()).clone() for one in every]

    def frozen_rows(self) -> list[Tensor]:
        masks = self.neq._masks()
        own = ((masks[layer.name], layer.by_neuron(one)) for layer in self.neq.layers for one in layer.parameters())
        return [plain(rows.detach())[mask].clone() for mask, rows in own]


def on(device: str) -> AbstractContextManager[Any]:
    return pretending() if device == "cuda" else nullcontext()


def fails(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, at: int) -> pytest.MonkeyPatch:
    """Memory runs out at that call of a function, and at all later ones."""
    real: Callable[..., Any] = getattr(owner, name)
    calls = iter(range(1, 1000))

    def called(*arguments: Any, **named: Any) -> Any:
        if next(calls) >= at:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(*arguments, **named)

    monkeypatch.setattr(owner, name, called)
    return monkeypatch


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> Iterator[str]:
    with on(request.param):
        yield request.param


@pytest.mark.parametrize("at", [1, 3])
def test_an_epoch_that_finds_no_memory_to_hold_its_masks_leaves_the_former_ones_held(
    device: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(device)
    training.neq.freeze({"0": FIRST["0"]})
    for _ in range(2):
        training.steps()
        training.neq.end_epoch()
    training.neq.freeze(FIRST)
    training.steps()
    before, rows = {name: mask.clone() for name, mask in training.neq._masks().items()}, training.frozen_rows()
    with monkeypatch.context() as patch, pytest.raises(torch.OutOfMemoryError):
        if device == "cpu":
            fails(patch, HeldRows, "__init__", at)
        else:
            fails(patch, HeldTogether, "_noted_values", 1)
        training.neq.end_epoch()
    assert all(torch.equal(mask, before[name]) for name, mask in training.neq._masks().items())
    training.steps()
    assert all(torch.equal(now, then) for now, then in zip(training.frozen_rows(), rows, strict=True))
    assert training.neq.end_epoch().epoch == 2, "one epoch on, or none"


def test_freezing_by_hand_without_the_memory_for_it_leaves_what_was_frozen(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = Training(device)
    training.neq.freeze(FIRST)
    training.steps()
    rows = training.frozen_rows()
    with monkeypatch.context() as patch, pytest.raises(torch.OutOfMemoryError):
        fails(patch, HeldRows if device == "cpu" else HeldTogether, "__init__", 1)
        training.neq.freeze(SECOND)
    training.steps()
    assert all(torch.equal(now, then) for now, then in zip(training.frozen_rows(), rows, strict=True))
    assert torch.equal(training.neq._masks()["0"], FIRST["0"])


@pytest.mark.parametrize("momentum_on_thaw", ["keep", "cold"])
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_what_is_kept_of_the_optimizer_survives_a_change_that_memory_did_not_suffice_for(
    device: str, optimizer: type[Optimizer], momentum_on_thaw: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(fails_at: int | None) -> list[Tensor]:
        training = Training(device, optimizer, momentum_on_thaw=momentum_on_thaw)
        training.steps()
        training.neq.freeze(FIRST)
        training.steps()
        if fails_at is not None:
            with monkeypatch.context() as patch, pytest.raises(torch.OutOfMemoryError):
                fails(patch, momentum, "_rows", fails_at)
                training.neq.freeze(SECOND)
        training.neq.freeze(SECOND)
        training.neq.freeze({})
        training.steps()
        return training.numbers()

    without = trained(None)
    for fails_at in range(1, 5):
        assert all(torch.equal(one, other) for one, other in zip(trained(fails_at), without, strict=True)), fails_at


def test_what_a_captured_graph_reads_stays_where_it_is_when_the_masks_change() -> None:
    with pretending():
        training = Training("cuda")
        training.neq.freeze(FIRST)
        training.steps()
        with capturing():
            training.steps()
        read = [StorageWeakRef(one.untyped_storage()) for one in masks_and_values(training.neq)]
        training.neq.freeze(SECOND)
        training.steps()
        later = [StorageWeakRef(one.untyped_storage()) for one in masks_and_values(training.neq)]
        training.neq.freeze(FIRST)
        gc.collect()
        assert read and not any(one.expired() for one in read)
        assert all(one.expired() for one in later), "what no graph reads is given back"
        training.neq.close()
        assert not any(one.expired() for one in read), "the graph may still be replayed"


def masks_and_values(neq: NEq) -> list[Tensor]:
    found = []
    for group in neq._freezer._holding._groups:
        assert isinstance(group, HeldTogether | HeldAlone)
        found += [group._values, group._moves if isinstance(group, HeldTogether) else group._mask]
    return [plain(one) for one in found]
