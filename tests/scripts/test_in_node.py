"""The browser's code that needs no browser, tested in Node."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NODE = Path(sys.executable).parent / "node"


def test_what_needs_no_browser_holds_in_node() -> None:
    files = sorted(map(str, HERE.glob("*.test.mjs")))
    assert files
    run = subprocess.run([NODE, "--test", *files], env=os.environ | {"TZ": "UTC"}, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "ℹ fail 0" in run.stdout
    assert "ℹ tests 0" not in run.stdout
