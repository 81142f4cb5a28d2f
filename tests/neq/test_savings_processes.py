"""Two processes that train together: every one sees every gradient, and savings hang nobody."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

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
