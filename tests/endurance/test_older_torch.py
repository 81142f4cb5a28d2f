"""The library on the oldest torch that it is said to run on, and with it the script for the first minutes on a GPU.

A machine with a GPU often has an older torch than the lock. It is put into an environment of its own, which is kept
between runs; where that cannot be made the tests fail and say why.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
NEEDS = tomllib.loads((ROOT / "neq" / "pyproject.toml").read_text())["project"]["dependencies"]
OLDEST = re.search(r"torch>=([\d.]+)", " ".join(NEEDS))[1]  # type: ignore[index]
BESIDE = {"2.11": "torchvision==0.26.0"}
"""The torchvision that was made for a torch."""

LOCKED = ("accelerate", "httpx", "hypothesis", "pydantic", "pytest", "pytest-timeout", "tensorboard", "transformers")
"""What the tests of the library import beside torch, torchvision and what these need; at the lock's versions."""


def _wanted() -> list[str]:
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements" / "dev.lock").read_text(), re.MULTILINE))
    return [f"torch=={OLDEST}.0", BESIDE[OLDEST], *(f"{name}=={pins[name]}" for name in LOCKED)]


@pytest.fixture(scope="module")
def python() -> Path:
    """That of the environment."""
    wanted = _wanted()
    key = hashlib.sha256(" ".join([sys.version, *wanted]).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"neq-torch-{OLDEST}-{os.getuid()}-{key}"
    found = folder / "bin" / "python"
    if not (folder / "whole").exists():
        uv = Path(sys.executable).with_name("uv")
        for command in (
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder],
            [uv, "pip", "install", "--quiet", "--python", found, *wanted],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                pytest.fail(f"no environment with torch {OLDEST} could be made: {done.stderr[-2000:]}", pytrace=False)
        (folder / "whole").touch()
    return found


def _run(python: Path, *arguments: str, path: str = "") -> str:
    """What a program that must succeed prints."""
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}
    command = [str(python), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def test_the_librarys_own_tests_pass(python: Path) -> None:
    # Lightning is not there: the callbacks are tested beside the lock's torch.
    tests = ("tests/neq", "tests/pretended", "--ignore=tests/neq/integrations")
    told = _run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    found = re.search(r"(\d+) passed", told)
    assert found is not None and int(found[1]) > 1000
    assert not re.search(r"\d+ (skipped|failed|error)", told)


MEASURED = """
import sys
sys.modules.update(dict.fromkeys(["accelerate", "httpx", "numpy", "pydantic", "PIL", "torchvision", "transformers"]))
import neq, torch
found = [getattr(neq, name) for name in neq.__all__ if name not in ("Client", "Run", "init")]
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
watch = neq.NEq(model, optimizer, [torch.randn(16, 4)])
for _ in range(3):
    model(torch.randn(16, 4)).square().mean().backward()
    optimizer.step()
    print(len(found), torch.__version__, watch.end_epoch().neurons)
"""


def test_measuring_and_freezing_need_torch_and_the_standard_library_alone(python: Path) -> None:
    told = _run(python, "-W", "ignore", "-c", MEASURED)
    assert [line for line in told.splitlines() if re.fullmatch(rf"13 {OLDEST}\.\S+ 10", line)]


def test_the_script_for_a_gpu_runs_dry(python: Path, tmp_path: Path) -> None:
    told = _run(python, "bench/gpu.py", "--dry", "--out", str(tmp_path))
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["machine"]["torch"].startswith(f"{OLDEST}.")
    assert " 0 surprises, 0 failures" in told
    assert not any("pydantic" in one["why"] for one in found["left_out"])


def test_without_pydantic_the_script_leaves_out_what_needs_it(python: Path, tmp_path: Path) -> None:
    (tmp_path / "pydantic.py").write_text('raise ModuleNotFoundError("there is none", name="pydantic")\n')
    _run(python, "bench/gpu.py", "--dry", "--out", str(tmp_path), "--only", "machine,plans,run", path=str(tmp_path))
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert {one["section"] for one in found["left_out"] if "pydantic" in one["why"]} == {"run"}
    assert {line["section"] for line in found["lines"]} == {"machine", "plans"}
