"""A worker as a process: ended in order, and killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.trainer.worker.conftest import Bench, eventually, is_alive

pytestmark = pytest.mark.process


@pytest.fixture
def worker(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process on the bench's store."""
    command = [
        sys.executable,
        "-m",
        "tests.trainer.worker.serve",
        f"sqlite:///{bench.folder / 'neq.db'}",
        str(bench.folder),
    ]
    process = subprocess.Popen(command, start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_end_gives_its_runs_back_and_leaves_nothing(
    bench: Bench, worker: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    run_id = bench.launch("endless")
    processes = bench.processes_of("run")
    worker.send_signal(number)
    assert worker.wait(60) == 0
    assert bench.store.run(run_id).state == "queued"
    assert not any(map(is_alive, processes)) and bench.store.workers() == []


def test_the_training_process_of_a_killed_worker_ends_by_itself(bench: Bench, worker: subprocess.Popen[bytes]) -> None:
    ids = [bench.launch("slow", name="one"), bench.launch("deaf", name="two")]
    processes = bench.processes_of("one") + bench.processes_of("two")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    eventually(lambda: not any(map(is_alive, processes)))
    assert sorted(bench.store.requeue_silent(-1)) == sorted(ids)
