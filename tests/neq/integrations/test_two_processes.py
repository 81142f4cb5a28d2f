"""Under DistributedDataParallel every process freezes the same neurons, each measuring a part of the probe set."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[3]

PROGRAM = """
import os, sys

import torch

{imports}

folder, port = sys.argv[1:]
torch.set_num_threads(1)
found = []


class Part:
    def __iter__(self):  # each process measures a part of its own of the probe set
        yield PROBE[torch.distributed.get_rank()]


def note(equilibrium):
    layers = equilibrium.layers.items()
    found.append(({{name: one.phi for name, one in layers}}, {{name: one.frozen for name, one in layers}}))
    torch.save(found, f"{{folder}}/{{torch.distributed.get_rank()}}.pt")


{training}
"""

LIGHTNING = PROGRAM.format(
    imports="""
from tests.neq.integrations.test_lightning import EPSILON, PROBE, fit
from neq.integrations.lightning import NEqCallback
""",
    training="""
fit(NEqCallback(Part(), epsilon=EPSILON, on_equilibrium=note), epochs=5, strategy="ddp_fork", devices=2)
""",
)

TRANSFORMERS = PROGRAM.format(
    imports="""
from tests.neq.integrations.test_transformers import EPSILON, PROBE, training
from neq.integrations.transformers import NEqTrainerCallback
""",
    training="""
def train(rank):
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    callback = NEqTrainerCallback(Part(), epsilon=EPSILON, on_equilibrium=note)
    training(callback, folder, ddp_backend="gloo").train()
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


torch.multiprocessing.start_processes(train, nprocs=2, start_method="fork")
""",
)


@pytest.mark.endurance
@pytest.mark.parametrize("program", [LIGHTNING, TRANSFORMERS], ids=["lightning", "transformers"])
def test_two_processes_freeze_the_same_neurons(program: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(port)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=220,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    one, other = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert len(one) == len(other) == 5
    for (phi, frozen), (phi_there, frozen_there) in zip(one, other, strict=True):
        assert all(torch.equal(values, phi_there[name]) for name, values in phi.items())
        assert all(torch.equal(mask, frozen_there[name]) for name, mask in frozen.items())
    assert any(bool(mask.any()) for mask in one[-1][1].values())
