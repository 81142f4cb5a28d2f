"""Processes whose running statistics differ at an epoch's end measure one network: the first process's."""

import copy
from pathlib import Path

import pytest
import torch
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

from neq import NEq
from tests.neq.test_distributed import PROBE, network, train
from tests.neq.together import WORLD, group_of_two, in_two_processes

pytestmark = pytest.mark.process


def one_of(rank: int, folder: str) -> None:
    with group_of_two(rank, Path(folder) / "meeting"):
        inner = network()
        model = DistributedDataParallel(inner)
        optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
        alone = copy.deepcopy(inner)
        itself = NEq(alone, SGD(alone.parameters(), lr=0.1), [PROBE], checks="off")
        divided = NEq(model, optimizer, [PROBE[:4] if rank == 0 else PROBE[4:]], epsilon=0.05)
        random = torch.Generator().manual_seed(rank)
        found = []
        for _ in range(3):
            for _ in range(3):
                train(model, optimizer, 1 + rank + torch.randn(6, 3, generator=random))
            before = {name: buffer.clone() for name, buffer in inner.named_buffers()}
            together = divided.end_epoch().layers
            for name, buffer in inner.named_buffers():
                assert torch.equal(buffer, before[name]), name
            alone.load_state_dict(inner.state_dict())
            found.append(({n: one.phi for n, one in together.items()}, _phi(itself), before["1.running_mean"]))
        torch.save(found, Path(folder) / f"{rank}.pt")


def _phi(neq: NEq) -> dict[str, torch.Tensor]:
    return {name: layer.phi for name, layer in neq.end_epoch().layers.items()}


def test_a_divided_probe_set_gives_what_the_whole_gives_though_statistics_differ(tmp_path: Path) -> None:
    in_two_processes(one_of, str(tmp_path))
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(WORLD))
    for (divided, whole, mean), (other, _, other_mean) in zip(first, second, strict=True):
        assert not torch.equal(mean, other_mean)  # otherwise there is nothing to show
        for name, phi in divided.items():
            assert torch.equal(phi, other[name])
            # Other sums, other last bits: 1 − φ may round to the next float32, which above 1 is 2⁻²³ = 1.19e-7 away.
            assert torch.allclose(phi, whole[name], rtol=0, atol=1.2e-7), name
