"""Two signals while a command is still starting: it ends, says nothing odd, and leaves nobody behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.cli.test_processes import all_gone, descendants
from tests.system import STARTED, Process

pytestmark = pytest.mark.process


def catches(pid: int, number: int) -> bool:
    """Whether the process has put its own handler in place; Python itself does so for SIGINT alone."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def has_loaded(pid: int, part: str) -> bool:
    return part in Path(f"/proc/{pid}/maps").read_text()


MOMENTS: dict[str, Callable[[Process], bool]] = {
    "its handlers are there": lambda process: catches(process.pid, signal.SIGTERM),
    "pydantic is loaded": lambda process: has_loaded(process.pid, "_pydantic_core"),
    "numpy is loaded": lambda process: has_loaded(process.pid, "_multiarray_umath"),
    "the database driver is loaded": lambda process: has_loaded(process.pid, "_sqlite3"),
    "it has started": lambda process: bool(STARTED.search(process.said)),
}


HELD_UP = """
import importlib.abc, sys, time
class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "click":
            print("loading", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
from cli.entry import main
main()
"""
"""The command, its first dependency taking a minute to load."""
IN_EVERY_RUN = {("up", "its handlers are there"), ("up", "it has started"), ("worker", "pydantic is loaded")}
CASES = [
    pytest.param(command, moment, marks=() if (command, moment) in IN_EVERY_RUN else pytest.mark.endurance)
    for command in ("up", "worker")
    for moment in MOMENTS
    if (command, moment) != ("worker", "it has started")  # a worker says nothing then
]


def test_the_installed_command_begins_where_signals_are_handled_first() -> None:
    (command,) = entry_points(group="console_scripts", name="neq")
    assert command.value == "cli.entry:main"
    for number in (signal.SIGINT, signal.SIGTERM):
        process = subprocess.Popen([sys.executable, "-c", HELD_UP], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"loading\n"
        process.send_signal(number)
        assert (process.communicate(timeout=60)[1], process.returncode) == (b"", 128 + number)


@pytest.mark.parametrize(("command", "moment"), CASES)
def test_two_signals_end_a_command_that_is_starting(tmp_path: Path, command: str, moment: str) -> None:
    arguments = ["--port", "0", "--data", str(tmp_path)] if command == "up" else []
    places = {"NEQ_DATABASE_URL": f"sqlite:///{tmp_path / 'neq.db'}", "NEQ_CHECKPOINTS": str(tmp_path / "kept")}
    process = Process(command, *arguments, environment={**places, "NEQ_DATA_ROOT": str(tmp_path / "sets")})
    try:
        until = time.monotonic() + 60
        while not MOMENTS[moment](process):
            assert time.monotonic() < until, process.said
            time.sleep(0.002)
        below = descendants(process.pid)
        for number in (signal.SIGTERM, signal.SIGINT) if command == "worker" else (signal.SIGINT, signal.SIGINT):
            os.kill(process.pid, number)
        assert process.wait(60) in (0, 130, 143), process.said
        assert all_gone(below)
    finally:
        process.stop()
    assert "Traceback" not in process.said, process.said
    assert "KeyboardInterrupt" not in process.said
    assert "Exception ignored" not in process.said
