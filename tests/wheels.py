"""Both distributions, built as `make wheels` builds them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build(folder: Path) -> tuple[Path, Path]:
    """The wheels of `neq` and of `neq-dashboard`, written into a folder."""
    uv = Path(sys.executable).with_name("uv")
    for source in (ROOT / "neq", ROOT):
        command = [uv, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
        done = subprocess.run([*command, "--out-dir", folder, source], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return next(folder.glob("neq-*.whl")), next(folder.glob("neq_dashboard-*.whl"))
