"""A dense pass among others, made to measure what savings save, computes everything and changes no number."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from neq import NEq
from neq.network.gradient_stop import gets_gradient
from tests.neq.test_savings_runs import OPTIMIZERS, masks, network

pytestmark = pytest.mark.slow

Build = Callable[[Sequence[nn.Parameter]], Optimizer]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums on several threads are split by their number and may round otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(
    build: Build, dense: Callable[[int], bool], *, accumulate: int = 1, clip: float | None = None, savings: Any = "rows"
) -> tuple[list[Tensor], dict[str, Tensor], list[Any], int]:
    """Losses, parameters and optimizer state at the end of a run with masks of every kind, and how many passes were
    dense; `dense` says which batches of an epoch are to be."""
    model = network()
    optimizer = build(list(model.parameters()))
    data = torch.randn(4, 6, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    losses, count = [], 0
    with NEq(model, optimizer, [data[0]], savings=savings) as neq:
        for epoch in range(7):
            neq.freeze(masks(neq, epoch))
            for place, batch in enumerate(data):
                if place % accumulate == 0:
                    optimizer.zero_grad()
                with neq.dense_pass() if dense(place) else nullcontext(False) as is_dense:
                    loss = nn.functional.cross_entropy(model(batch), torch.arange(6) % 10)
                    loss.backward()
                count += is_dense
                losses.append(loss.detach())
                if place % accumulate == accumulate - 1:
                    if clip is not None:
                        losses.append(nn.utils.clip_grad_norm_(model.parameters(), clip))
                    optimizer.step()
        states = [value for state in optimizer.state.values() for value in state.values() if isinstance(value, Tensor)]
    return losses, model.state_dict(), states, count


def assert_same(one: Any, other: Any) -> None:
    assert all(torch.equal(a, b) for a, b in zip(one[0], other[0], strict=True))
    assert [name for name in one[1] if not torch.equal(one[1][name], other[1][name])] == []
    assert all(torch.equal(a, b) for a, b in zip(one[2], other[2], strict=True))


def among(place: int) -> bool:
    return place in (1, 3)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_number_changes_under_any_optimizer(name: str) -> None:
    ordinary, mixed = run(OPTIMIZERS[name], lambda place: False), run(OPTIMIZERS[name], among)
    assert_same(mixed, ordinary)
    assert mixed[3] > 8


@pytest.mark.parametrize("more", [{"clip": 0.05}, {"accumulate": 2}, {"accumulate": 4, "clip": 0.05}], ids=str)
@pytest.mark.parametrize("build", [OPTIMIZERS["sgd, momentum"], OPTIMIZERS["adamw"]], ids=["sgd", "adamw"])
def test_no_number_changes_where_gradients_are_clipped_or_gathered(build: Build, more: dict[str, Any]) -> None:
    assert_same(run(build, among, **more), run(build, lambda place: False, **more))


def test_a_dense_pass_computes_everything_and_the_next_one_leaves_out_again() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.05)
    batch = torch.randn(6, 3, 8, 8)

    def operations(neq: NEq | None = None) -> int:
        optimizer.zero_grad()
        with neq.dense_pass() if neq else nullcontext() as dense, FlopCounterMode(display=False) as counted:
            model(batch).square().mean().backward()
        assert dense is (True if neq else None)
        optimizer.step()
        return int(counted.get_total_flops())

    with NEq(model, optimizer, [batch], savings="rows") as neq:
        whole = operations()
        neq.freeze({"0": torch.ones(32, dtype=torch.bool), "3": torch.arange(48) < 30})
        operations()  # what pays is looked for in the first
        some = operations()
        kinds = {name: plan.kind for name, plan in neq.plans().items()}
        assert operations(neq) == whole > some
        stopped = [p for p in model.parameters() if not gets_gradient(p)]
        assert stopped and all(p.grad is None for p in stopped)
        assert model[3].weight.grad is not None and not model[3].weight.grad[:30].any()
        assert operations() == some
        assert {name: plan.kind for name, plan in neq.plans().items()} == kinds


def test_the_first_pass_after_a_change_may_be_dense_and_plans_are_measured_later() -> None:
    def first(place: int) -> bool:
        return place == 0

    for name in ("sgd", "adamw", "nadam"):
        assert_same(run(OPTIMIZERS[name], first), run(OPTIMIZERS[name], lambda place: False))


def test_an_error_inside_leaves_the_plans_in_force() -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.05)
    batch = torch.randn(6, 3, 8, 8)
    with NEq(model, optimizer, [batch], savings="rows") as neq:
        model(batch).sum().backward()
        neq.freeze({"0": torch.ones(32, dtype=torch.bool)})
        with pytest.raises(RuntimeError, match="mat1"), neq.dense_pass():
            model(torch.randn(6, 3, 12, 12))
        assert not gets_gradient(model.get_parameter("0.weight"))
        assert "_patched_from" in vars(type(model[0]))
    assert gets_gradient(model.get_parameter("0.weight"))


def test_where_numbers_could_change_it_changes_nothing_and_says_so() -> None:
    model = network()
    optimizer = AdamW(model.parameters(), lr=0.01)
    batch = torch.randn(6, 3, 8, 8)
    with NEq(model, optimizer, [batch], savings="rows") as neq:
        with neq.dense_pass() as dense:
            assert not dense, "nothing is frozen"
        model(batch).sum().backward()
        optimizer.step()
        neq.freeze({"0": torch.ones(32, dtype=torch.bool), "3": torch.arange(48) < 30})
        model(batch).sum().backward()
        optimizer.step()
        torch.set_num_threads(2)  # rows alone may be rounded in another way there
        with neq.dense_pass() as dense:
            assert not dense and not gets_gradient(model.get_parameter("0.weight"))
        neq.freeze({"0": torch.ones(32, dtype=torch.bool)})
        with neq.dense_pass() as dense:
            assert dense and gets_gradient(model.get_parameter("0.weight"))
    with NEq(model, optimizer, [batch], savings=False) as neq:
        neq.freeze({"0": torch.ones(32, dtype=torch.bool)})
        with neq.dense_pass() as dense:
            assert not dense, "everything is computed anyway"


def is_dense_inside(compiled: bool = False) -> bool:
    """Whether a pass could be dense now, in a network of which a layer is frozen whole."""
    model = network()
    batch = torch.randn(6, 3, 8, 8)
    used = torch.compile(model, backend="eager") if compiled else model
    optimizer = SGD(model.parameters(), lr=0.01)
    with NEq(used, optimizer, [batch], savings="rows") as neq:
        used(batch).sum().backward()
        optimizer.step()
        neq.freeze({"0": torch.ones(32, dtype=torch.bool)})
        with neq.dense_pass() as dense:
            return dense


def test_a_pass_is_dense_where_nothing_speaks_against_it() -> None:
    assert is_dense_inside()


def test_no_pass_is_dense_in_a_compiled_network() -> None:
    assert not is_dense_inside(compiled=True)


def test_no_pass_is_dense_among_processes_that_train_together(tmp_path: Path) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'group'}", rank=0, world_size=1)
    try:
        assert not is_dense_inside()
    finally:
        torch.distributed.destroy_process_group()


def test_no_pass_is_dense_while_a_cuda_graph_is_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:  # a graph needs a GPU; what torch says of one does not
        model = network()
        optimizer = SGD(model.parameters(), lr=0.01)
        batch = torch.randn(6, 3, 8, 8)
        with NEq(model, optimizer, [batch], savings="rows") as neq:
            model(batch).sum().backward()
            optimizer.step()
            neq.freeze({"0": torch.ones(32, dtype=torch.bool)})
            patched.setattr(torch.cuda, "is_available", lambda: True)
            patched.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
            with neq.dense_pass() as dense:
                assert not dense and not gets_gradient(model.get_parameter("0.weight"))
            patched.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
            with neq.dense_pass() as dense:
                assert dense
            patched.undo()


def test_checkpointed_activations_are_computed_again_inside_the_same_pass() -> None:
    def one(dense: bool) -> list[Tensor]:
        model = network()
        optimizer = SGD(model.parameters(), lr=0.05)
        batch = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(3))
        losses = []
        with NEq(model, optimizer, [batch], savings="rows") as neq:
            for step in range(5):
                if step == 1:
                    neq.freeze({"0": torch.ones(32, dtype=torch.bool), "3": torch.arange(48) < 30})
                optimizer.zero_grad()
                with neq.dense_pass() if dense and step == 3 else nullcontext(False):
                    middle: Any = checkpoint(model[:5], batch, use_reentrant=False)
                    loss = nn.functional.cross_entropy(model[5:](middle), torch.arange(6) % 10)
                    loss.backward()
                optimizer.step()
                losses.append(loss.detach())
        return [*losses, *model.parameters()]

    assert all(torch.equal(a, b) for a, b in zip(one(True), one(False), strict=True))
