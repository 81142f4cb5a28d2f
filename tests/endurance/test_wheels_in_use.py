"""Both distributions in empty environments and empty folders, as somebody has them who never saw the checkout."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.wheels import ROOT, build

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(1800)]

WEB = ("fastapi", "sqlalchemy", "dash", "pydantic", "uvicorn", "starlette")
CONSTRAINTS = re.sub(
    r"^(?![A-Za-z0-9._-]+==).*\n| *\\$",
    "",
    (ROOT / "requirements" / "dev.lock").read_text(),
    flags=re.MULTILINE,
)
"""The versions that are tested, without their hashes."""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(tmp_path_factory.mktemp("dist"))


def environment_with(folder: Path, *wanted: str) -> Path:
    """The folder of the commands of a new environment."""
    uv = Path(sys.executable).with_name("uv")
    (folder / "constraints.txt").write_text(CONSTRAINTS)
    python = folder / "venv" / "bin" / "python"
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, folder / "venv"],
        [uv, "pip", "install", "--quiet", "--python", python, "-c", folder / "constraints.txt", *wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
    return python.parent


def run(*command: str | Path, cwd: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NEQ_", "PYTHON"))}
    done = subprocess.run(
        command, cwd=cwd, env=clean, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def test_the_library_alone_trains_beside_somebody_elses_modules(wheels: tuple[Path, Path], tmp_path: Path) -> None:
    commands = environment_with(tmp_path, str(wheels[0]))
    work = tmp_path / "work"
    work.mkdir()
    for name in ("trainer", "contract", "cli", "server", "db", "dashboard"):
        (work / f"{name}.py").write_text("raise RuntimeError('this is mine')\n")
    program = re.search(r"```python\n(import torch.*?)```", (ROOT / "docs/library.md").read_text(), re.DOTALL)
    assert program
    (work / "mine.py").write_text(program[1])
    assert re.search(r"epoch 13: \d+% of 36 neurons frozen", run(commands / "python", "mine.py", cwd=work))
    loaded = run(commands / "python", "-X", "importtime", "-c", "from neq import *", cwd=work)
    assert "neq.savings.savings" in loaded
    assert not [name for name in WEB if re.search(rf"\| +{name}\b", loaded)]
    installed = {path.name.lower() for path in (tmp_path / "venv").glob("lib/python*/site-packages/*")}
    assert {"neq", "torch", "httpx"} <= installed
    assert not installed & {*WEB, "trainer", "server", "db", "contract"}


def test_the_application_launches_a_run_in_an_empty_folder(wheels: tuple[Path, Path], tmp_path: Path) -> None:
    commands = environment_with(tmp_path, f"{wheels[1]}[trainer]", str(wheels[0]))
    work = tmp_path / "work"
    work.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NEQ_", "PYTHON"))}
    log = (tmp_path / "log").open("w+")
    up = subprocess.Popen(
        [commands / "neq", "up", "--port", "0", "--data", "data"], cwd=work, env=clean, stdout=log, stderr=log
    )
    try:
        address = wait_for(tmp_path / "log", re.compile(r"http://127\.0\.0\.1:\d+"))
        clean["NEQ_URL"] = address
        launch = [
            commands / "neq",
            "launch",
            "--data.kind",
            "synthetic",
            "--model.kind",
            "mlp",
            "--training.epochs",
            "3",
        ]
        done = subprocess.run(
            [*launch, "--schedule.kind", "constant", "--follow"], cwd=work, env=clean, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "finished" in done.stdout
        page = httpx.get(f"{address}/", trust_env=False)
        assert page.status_code == 200
        assert "dash" in page.text
    finally:
        up.terminate()
        up.wait(30)
        log.close()


def wait_for(log: Path, pattern: re.Pattern[str], seconds: float = 120) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := pattern.search(log.read_text()):
            return found[0]
        time.sleep(0.2)
    raise AssertionError(log.read_text())
