"""Without its extra an integration says which one to install; nothing else of ours needs it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import distribute_module

from neq.integrations.attachment import Attachment

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[3]


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize("library", ["lightning", "transformers"])
def test_a_missing_library_is_named_with_its_extra(library: str) -> None:
    done = run(f"import sys; sys.modules[{library!r}] = None; import neq.integrations.{library}")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImportError: ")
    assert f"pip install 'neq[{library}]'" in done.stderr.splitlines()[-1]


def test_something_else_that_is_missing_is_named_itself() -> None:
    done = run("import sys; sys.modules['torchmetrics'] = None; import neq.integrations.lightning")
    assert done.returncode == 1
    assert "neq[lightning]" not in done.stderr
    assert "torchmetrics" in done.stderr.splitlines()[-1]


def test_the_package_alone_loads_neither_library() -> None:
    program = "import sys, neq, neq.integrations, neq.integrations.attachment; print(*sys.modules)"
    loaded = {name.split(".")[0] for name in run(program).stdout.split()}
    assert "neq" in loaded
    assert not loaded & {"lightning", "pytorch_lightning", "transformers", "accelerate"}


@pytest.fixture
def one_process() -> Iterator[None]:
    """A group of one, which is enough to split a parameter over."""
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("one_process")
def test_a_parameter_that_is_split_among_processes_is_refused() -> None:
    model = nn.Linear(2, 2)
    distribute_module(model, init_device_mesh("cpu", (1,)))
    optimizer = torch.optim.SGD(model.parameters(), lr=1)
    with pytest.raises(ValueError, match="'weight' is split among processes"):
        Attachment({}, None, explain=False).begin(model, optimizer, [torch.ones(1, 2)], epoch=0)
