"""Several processes that share a probe set freeze the same neurons."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

from neq import NEq
from neq.errors import FrozenNeuronsMoved, NEqClosed, OtherProcessFailed, ProbeChanged
from neq.freeze import holding
from tests.neq.together import WORLD, group_of_two, in_two_processes

pytestmark = pytest.mark.process

PROBE = torch.randn(10, 3, generator=torch.Generator().manual_seed(1))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def train(model: nn.Module, optimizer: SGD, inputs: torch.Tensor) -> None:
    optimizer.zero_grad()
    model(inputs).square().mean().backward()
    optimizer.step()


def one_of(rank: int, folder: str, by_mask: bool) -> None:
    if by_mask:
        holding.by_index = lambda parameter: False
    with group_of_two(rank, Path(folder) / "meeting"):
        inner = network()
        model = DistributedDataParallel(inner)
        optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
        # A probe set of its own for each process, not even of the same length.
        probe = [PROBE[:2], PROBE[2:4], PROBE[4:6]] if rank == 0 else [PROBE[6:]]
        neq = NEq(model, optimizer, probe, epsilon=0.05)
        assert [layer.name for layer in neq.layers] == ["0", "1", "3"]
        random = torch.Generator().manual_seed(rank)
        found = []
        for _ in range(5):
            for _ in range(3):
                train(model, optimizer, torch.randn(6, 3, generator=random))
            before = {name: p.detach().clone() for name, p in inner.named_parameters()}
            found.append({name: (layer.phi, layer.frozen) for name, layer in neq.end_epoch().layers.items()})
        state = {
            name: tensor for name, tensor in inner.state_dict().items() if "running" not in name and "num" not in name
        }
        torch.save({"found": found, "model": state, "before": before}, Path(folder) / f"{rank}.pt")


@pytest.mark.parametrize("by_mask", [False, pytest.param(True, marks=pytest.mark.endurance)])
def test_two_processes_decide_alike_from_the_sums_of_both(tmp_path: Path, by_mask: bool) -> None:
    in_two_processes(one_of, str(tmp_path), by_mask)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(WORLD))
    frozen = 0
    for one, other in zip(first["found"], second["found"], strict=True):
        for name, (phi, mask) in one.items():
            assert torch.equal(phi, other[name][0])
            assert torch.equal(mask, other[name][1])
            frozen += int(mask.sum())
    assert frozen
    for name, tensor in first["model"].items():
        assert torch.equal(tensor, second["model"][name])


def alone_in_a_group(rank: int, folder: str) -> None:
    with group_of_two(rank, Path(folder) / "meeting"):
        model = network()
        probe = [PROBE[:4]] if rank == 0 else [PROBE[4:]]
        group = torch.distributed.group.WORLD
        neq = NEq(model, SGD(model.parameters(), lr=0.1), probe, process_group=group, checks="off")
        with torch.no_grad():  # by hand, which the checks would tell
            model[0].weight += torch.randn(8, 3, generator=torch.Generator().manual_seed(5))  # type: ignore[index, operator]
        phi = {name: layer.phi for name, layer in neq.end_epoch(explain=True).layers.items()}
        torch.save(phi, Path(folder) / f"{rank}.pt")


@pytest.mark.endurance
def test_phi_of_a_divided_probe_set_is_that_of_the_whole(tmp_path: Path) -> None:
    in_two_processes(alone_in_a_group, str(tmp_path))
    model = network()
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [PROBE], checks="off")
    with torch.no_grad():
        model[0].weight += torch.randn(8, 3, generator=torch.Generator().manual_seed(5))  # type: ignore[index, operator]
    whole = neq.end_epoch()
    for rank in range(WORLD):
        parts = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for name, layer in whole.layers.items():
            assert torch.allclose(parts[name], layer.phi, rtol=0, atol=1e-6)


class Changing:
    """A probe set that gives other samples once it is told to."""

    changed = False

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter([PROBE + 1 if self.changed else PROBE])


def one_that_fails(rank: int, folder: str, what: str) -> None:
    with group_of_two(rank, Path(folder) / "meeting"):
        inner = network()
        model = DistributedDataParallel(inner)
        optimizer = SGD(model.parameters(), lr=0.1)
        probe = Changing()
        neq = NEq(model, optimizer, probe, measure="cached")
        train(model, optimizer, PROBE)
        neq.freeze({"0": torch.arange(8) < 4})
        probe.changed = rank == 1 and what == "probe"
        if rank == 1 and what == "closed":
            neq.close()
        if what == "moved":
            for _ in range(3):
                train(model, optimizer, PROBE)
                if rank == 1:
                    inner[0].weight.data.mul_(1.01)  # type: ignore[index, union-attr, operator]
        errors = {"probe": ProbeChanged, "closed": NEqClosed, "moved": FrozenNeuronsMoved}
        with pytest.raises(errors[what] if rank == 1 else OtherProcessFailed) as caught:
            neq.end_epoch()
        assert rank == 1 or "process 1 of those that train together could not end this epoch" in str(caught.value)
        state = neq.state_dict()["decision"]
        assert state["epoch"] == 0


@pytest.mark.parametrize("what", ["probe", "closed", "moved"])
def test_what_fails_in_one_process_fails_in_the_other_which_does_not_wait(what: str, tmp_path: Path) -> None:
    in_two_processes(one_that_fails, str(tmp_path), what)
