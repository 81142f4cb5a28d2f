"""neq stands alone."""

import subprocess
import sys
from pathlib import Path

import pytest

import neq

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


def newly_loaded(statement: str, *, after: str) -> set[str]:
    """Top-level names of the modules that a statement adds to those that another has loaded."""
    names = "{name.split('.')[0] for name in sys.modules}"
    program = f"import sys\n{after}\nbefore = {names}\n{statement}\nprint(' '.join({names} - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_it_loads_nothing_but_torch_and_the_standard_library() -> None:
    assert newly_loaded("from neq import *", after="import torch") - sys.stdlib_module_names == {"neq"}


def test_it_loads_nothing_before_it_is_asked_for() -> None:
    assert "torch" not in newly_loaded("import neq", after="pass")
    assert newly_loaded("from neq import NEq", after="pass") >= {"neq", "torch"}


def test_every_name_that_it_offers_is_there() -> None:
    assert all(isinstance(getattr(neq, name), type) or callable(getattr(neq, name)) for name in neq.__all__)
    assert set(neq.__all__) <= set(dir(neq))
    with pytest.raises(AttributeError, match="has no attribute 'NEQ'"):
        _ = neq.NEQ


def test_this_check_can_fail() -> None:
    assert "pydantic" in newly_loaded("import contract.config", after="pass")
