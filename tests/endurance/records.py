"""All that a run recorded of its training, to be compared to the bit; and the processes that train it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from db import Snapshot, Store
from tests.system import Process, System

EPOCHS = 16
PATIENCE_SECONDS = 400
"""For a machine on which much else runs."""
SMALL: dict[str, Any] = {
    "data": {"kind": "synthetic", "classes": 4, "size": 8, "train_samples": 1008, "test_samples": 200},
    "model": {"kind": "cnn", "channels": [4, 6, 8]},
    "optimizer": {"kind": "sgd", "learning_rate": 0.02},
    "schedule": {"kind": "multistep", "milestones": [6, 11]},
    "training": {"epochs": EPOCHS, "batch_size": 10},
    "neq": {"epsilon": 0.004, "probe": {"samples": 8}},
    "compute": {"device": "cpu"},
}
"""Of its 40 neurons some freeze and thaw in most epochs; an epoch takes some tenths of a second."""

TIMES = (
    "seconds",
    "checkpoint",
    "samples_per_second",
    "cpu_seconds",
    "device_seconds",
    "resources",
    "step_ms",
    "flops",
    "saving",
)
SILENCE_SECONDS = 3


@contextmanager
def standing(folder: Path, database_url: str | None = None) -> Iterator[System]:
    """A web process, and no worker yet. It alone takes runs from silent workers, after three seconds."""
    system = System(folder, database_url)
    system.environment |= {
        "NEQ_CHECKPOINTS": str(folder / "checkpoints"),
        "NEQ_THREADS": "1",
        "NEQ_SILENCE_LIMIT_SECONDS": str(SILENCE_SECONDS),
    }
    try:
        system.start_server()
        system.environment["NEQ_SILENCE_LIMIT_SECONDS"] = "600"
        yield system
    finally:
        system.stop()


@contextmanager
def store_of(system: System) -> Iterator[Store]:
    """The system's store, opened beside it."""
    with closing(Store.open(system.environment["NEQ_DATABASE_URL"])) as store:
        yield store


def told(system: System, run_id: str) -> list[tuple[dict[str, Any], list[Snapshot]]]:
    """Every epoch that was told of the run, in order, with its neurons' bytes; times left out."""
    with store_of(system) as store:
        return [
            (
                _without_times(event.payload),
                store.snapshots_at(run_id, event.payload["epoch"]),
            )
            for event in store.epochs_after(run_id)
        ]


def _without_times(payload: dict[str, Any]) -> dict[str, Any]:
    """An epoch without what was measured by a clock, and the plans that follow from it."""
    layers = {name: value for name, value in payload["layers"].items() if name != "plans"}
    return {name: value for name, value in payload.items() if name not in TIMES} | {"layers": layers}


def launch(system: System, **changes: Any) -> str:
    """Queues a run."""
    return str(system.ask("POST", "/runs", json=SMALL | changes)["id"])


def ended(run: dict[str, Any]) -> bool:
    """Whether it has come to an end."""
    return run["state"] in ("finished", "stopped", "failed")


def wait(system: System, run_id: str, condition: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The run, once the condition holds of it."""
    return system.wait_until(run_id, condition, PATIENCE_SECONDS)


def train(system: System, **changes: Any) -> str:
    """A run that nobody disturbs, to its end."""
    run_id = launch(system, **changes)
    run = wait(system, run_id, ended)
    assert run["state"] == "finished", run["reason"]
    return run_id


def children(worker: Process) -> list[int]:
    """The training processes of a worker; the one that its dry passes are made in is none."""
    found: list[int] = []
    for task in Path(f"/proc/{worker.pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text().split() if _trains(child)]
    return found


def _trains(pid: str) -> bool:
    with suppress(OSError):
        return b"trainer.engines.child" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return False


def kill(pid: int) -> None:
    """SIGKILL; one that is gone already is no error."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def eventually(is_so: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """What the claim returned, once it holds."""
    until = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)
    return found
