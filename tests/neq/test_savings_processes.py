"""Two processes that train together: every one sees every gradient, and savings hang nobody."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import neq
from neq import NEq
from tests.neq.together import group_of_two, in_two_processes

pytestmark = pytest.mark.process


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 40, 3), nn.Flatten(), nn.Linear(160, 5)
    )


def masks(epoch: int) -> dict[str, torch.Tensor]:
    """A prefix, then a part, then nothing, then everything but the head."""
    whole = {"0": torch.ones(32), "1": torch.ones(32), "3": torch.zeros(40), "5": torch.zeros(5)}
    part = {"0": torch.arange(32) % 3, "3": torch.arange(40) % 2}
    most = {**whole, "3": torch.ones(40)}
    return {name: mask.bool() for name, mask in (whole, part, {}, most)[epoch].items()}


def train(rank: int, savings: Any, folder: str) -> None:
    with group_of_two(rank, Path(folder) / f"{savings} meeting"):
        model = DistributedDataParallel(network())
        optim = torch.optim.AdamW(model.parameters(), lr=0.01)
        data = torch.randn(4, 2, 4, 3, 6, 6, generator=torch.Generator().manual_seed(4))
        kinds = set()
        with NEq(model, optim, [data[0, 0]], savings=savings) as neq:
            for epoch in range(4):
                neq.freeze(masks(epoch))
                for step in range(3):
                    optim.zero_grad()
                    model(data[step, rank]).square().mean().backward()
                    optim.step()
                    kinds |= {plan.kind for plan in neq.plans().values()}
        if rank == 0:
            torch.save((model.module.state_dict(), sorted(kinds)), f"{folder}/{savings}.pt")


@pytest.mark.endurance
def test_on_two_processes_savings_change_no_number_and_whole_layers_give_zeros(tmp_path: Path) -> None:
    ends = []
    for savings in (False, "rows"):
        in_two_processes(train, savings, str(tmp_path))
        ends.append(torch.load(tmp_path / f"{savings}.pt"))
    (off, kinds_off), (on, kinds_on) = ends
    assert kinds_off == ["dense", "untouched"]
    assert kinds_on == ["dense", "rows", "untouched", "zeros"]
    assert [name for name in off if not torch.equal(off[name], on[name])] == []


def average(_: object, bucket: torch.distributed.GradBucket) -> torch.futures.Future[torch.Tensor]:
    """What is done without a hook, told."""
    SIZES.append(bucket.buffer().numel())
    return (
        torch.distributed.all_reduce(bucket.buffer() / 2, async_op=True).get_future().then(lambda done: done.value()[0])
    )


SIZES: list[int] = []


def train_wrapped(rank: int, kind: str, folder: str) -> None:
    with group_of_two(rank, Path(folder) / f"{kind} meeting"):
        wrap = DistributedDataParallel if kind == "torch" else neq.DistributedDataParallel
        model = wrap(network(), gradient_as_bucket_view=kind == "neq")
        model.register_comm_hook(None, average)
        called = []
        model.register_forward_hook(lambda *_: called.append(1))
        optim = torch.optim.AdamW(model.parameters(), lr=0.01)
        data = torch.randn(5, 6, 2, 4, 3, 6, 6, generator=torch.Generator().manual_seed(4))
        plans = []
        with NEq(model, optim, [data[0, 0, 0]], savings=kind == "neq") as watch:
            for epoch in range(5):
                watch.freeze(masks(epoch) if epoch < 4 else {})
                for step in range(0, 6, 2):
                    optim.zero_grad()
                    with model.no_sync():
                        model(data[epoch, step, rank]).square().mean().backward()
                    model(data[epoch, step + 1, rank]).square().mean().backward()
                    optim.step()
                plans.append([plan.kind for plan in watch.plans().values()])
            model.eval()
            with torch.no_grad():
                model(data[0, 0, rank])
            assert len(called) == 5 * 6 + 1 and not model.training
        torch.save((model.module.state_dict(), plans, sorted(set(SIZES))), f"{folder}/{kind}{rank}.pt")


def test_wrapped_anew_whole_layers_are_stopped_on_all_processes_and_no_number_changes(tmp_path: Path) -> None:
    for kind in ("torch", "neq"):
        in_two_processes(train_wrapped, kind, str(tmp_path))
    (plain, _, all_sizes), (mine, plans, sizes), (other, *_) = (
        torch.load(tmp_path / name) for name in ("torch0.pt", "neq0.pt", "neq1.pt")
    )
    assert [name for name in plain if not torch.equal(plain[name], mine[name])] == []
    assert [name for name in plain if "running" not in name and not torch.equal(mine[name], other[name])] == []
    stopped = [[kind == "stopped" for kind in of_epoch] for of_epoch in plans]
    assert stopped == [[True, True, False, False], *[[False] * 4] * 2, [True, True, True, False], [False] * 4]
    head, body = 5 * 160 + 5, 32 * 3 * 9 + 32 + 2 * 32
    second = 40 * 32 * 9 + 40
    assert all_sizes == [head + second + body]  # all gradients in one bucket
    assert sizes == sorted([head, head + second, head + second + body])  # never what is stopped
