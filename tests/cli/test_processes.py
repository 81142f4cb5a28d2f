"""The commands that start processes: what they print, and that nothing is left when they end."""

import importlib.util
import os
import re
import signal
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from cli.main import app
from tests.system import STARTED, Process

pytestmark = pytest.mark.process

LONG_RUN: dict[str, Any] = {
    "data": {"kind": "synthetic", "train_samples": 4000},
    "model": {"kind": "cnn", "channels": [8, 16]},
    "training": {"epochs": 5000},
    "schedule": {"kind": "constant"},
}


def descendants(pid: int) -> set[int]:
    """Ids of all living processes below one."""
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            children = {int(child) for child in task.read_text().split()}
            waiting += children - found
            found |= children
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of them that still run; one that only waits to be reaped does not."""
    living = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (OSError, IndexError):
            continue
        if state != "Z":
            living.add(pid)
    return living


def all_gone(pids: set[int], seconds: float = 20) -> bool:
    """Whether all of them end in time."""
    until = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < until:
        time.sleep(0.1)
    return not alive(pids)


def start_and_train(tmp_path: Path, **environment: str) -> tuple[Process, str, set[int]]:
    """`neq up` in the middle of a run, with the ids of its worker and of the run's child.

    It stands in a folder with modules of somebody's that are called as packages of ours: none of them is imported.
    """
    folder = tmp_path / "somebody's"
    folder.mkdir()
    for name in ("cli", "contract", "db", "neq", "server", "trainer"):
        (folder / f"{name}.py").write_text("raise RuntimeError('not ours')")
    arguments = ("up", "--port", "0", "--data", str(tmp_path))
    process = Process(*arguments, environment={"NEQ_DEVICE": "cpu", **environment}, folder=folder)
    address = process.wait_for(STARTED)[1]
    run_id = httpx.post(f"{address}/api/v1/runs", json=LONG_RUN, timeout=30).json()["id"]
    until = time.monotonic() + 60
    while httpx.get(f"{address}/api/v1/runs/{run_id}", timeout=30).json()["epochs_done"] < 1:
        assert time.monotonic() < until, process.said
        time.sleep(0.1)
    return process, run_id, descendants(process.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.endurance)])
def test_up_ends_in_order_with_worker_and_children(tmp_path: Path, number: signal.Signals) -> None:
    process, run_id, below = start_and_train(tmp_path)
    try:
        assert len(below) >= 2, "a worker and a training child"
        process.interrupt(number)
        assert process.wait() == 0, process.said
        assert all_gone(below)
        assert "Error" not in process.said
        assert "error" not in process.said
    finally:
        process.stop()

    again = Process("serve", "--port", "0", environment={"NEQ_DATABASE_URL": f"sqlite:///{tmp_path / 'neq.db'}"})
    try:
        address = again.wait_for(STARTED)[1]
        run = httpx.get(f"{address}/api/v1/runs/{run_id}", timeout=30).json()
        assert run["state"] == "queued", "it goes on with the next worker"
        assert run["epochs_done"] >= 1
    finally:
        again.stop()


@pytest.mark.endurance
def test_a_killed_up_leaves_nobody_behind_and_its_files_where_the_environment_said(tmp_path: Path) -> None:
    places = {"NEQ_DATA_ROOT": str(tmp_path / "sets"), "NEQ_CHECKPOINTS": str(tmp_path / "kept")}
    process, run_id, below = start_and_train(tmp_path, **places)
    try:
        assert list((tmp_path / "kept" / run_id).glob("epoch-*.pt"))
        assert (tmp_path / "sets").is_dir()
        assert not (tmp_path / "checkpoints").exists()
        assert not (tmp_path / "datasets").exists()
        os.kill(process.pid, signal.SIGKILL)
        assert all_gone(below)
    finally:
        process.stop()


def test_a_port_in_use_is_said_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = Process("up", "--port", str(port), "--data", str(tmp_path), environment={})
        assert process.wait() == 2
    process.stop()
    assert f"{port} is in use" in process.said
    assert "PORT=" in process.said


def test_an_open_address_without_a_token_is_refused(tmp_path: Path) -> None:
    process = Process("up", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path), environment={})
    assert process.wait() == 2
    process.stop()
    assert "NEQ_TOKEN" in process.said


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_database_that_is_not_there_is_said_with_the_remedy(command: str) -> None:
    arguments = ["--port", "0"] if command == "serve" else []
    url = "postgresql://neq:secret@127.0.0.1:9/neq"
    process = Process(command, *arguments, environment={"NEQ_DATABASE_URL": url})
    assert process.wait(60) == 2
    process.stop()
    assert re.search(r"127\.0\.0\.1", process.said), process.said
    assert "secret" not in process.said


def test_a_wrong_setting_is_named_as_its_variable() -> None:
    process = Process("worker", environment={"NEQ_SLOTS": "none"})
    assert process.wait() == 2
    process.stop()
    assert "NEQ_SLOTS" in process.said


@pytest.mark.parametrize("arguments", [("up", "--port", "0"), ("demo",), ("worker",)])
def test_without_torch_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("cli.opening.find_spec", lambda name: None if name == "torch" else find(name))
    result = CliRunner().invoke(app, list(arguments))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "pip install 'neq-dashboard[trainer]'" in result.stderr
