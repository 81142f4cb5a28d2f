"""neq stands alone."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def newly_loaded(statement: str, *, after: str) -> set[str]:
    """Top-level names of the modules that a statement adds to those that another has loaded."""
    names = "{name.split('.')[0] for name in sys.modules}"
    program = f"import sys\n{after}\nbefore = {names}\n{statement}\nprint(' '.join({names} - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_it_loads_nothing_but_torch_and_the_standard_library() -> None:
    assert newly_loaded("import neq", after="import torch") - sys.stdlib_module_names == {"trainer"}


def test_this_check_can_fail() -> None:
    assert "pydantic" in newly_loaded("import contract.config", after="pass")
