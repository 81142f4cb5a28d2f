"""Processes that train a run together, killed one by one: the records are an undisturbed run's, and nothing is left."""

from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.endurance.records import SMALL, children, eventually, kill, launch, standing, store_of, told, train, wait
from tests.system import Process, System

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(1200)]

TOGETHER: dict[str, Any] = {
    "training": {"epochs": 10, "batch_size": 21},
    "optimizer": {"kind": "adam", "learning_rate": 0.01},
    "compute": SMALL["compute"] | {"processes": 2},
}


def ranks_of(child: int) -> list[int]:
    """The processes that a training process has started, in the order of their ranks; none before both train."""
    found = []
    for task in Path(f"/proc/{child}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(pid) for pid in task.read_text().split()]
    return sorted(pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes())


def kill_one(system: System, worker: Process, run_id: str, *, rank: int, after: int) -> list[int]:
    """Kills the process of this rank once so many epochs are recorded; returns all that trained then."""
    wait(system, run_id, lambda run: run["epochs_done"] >= after)
    (child,) = eventually(lambda: children(worker))
    ranks: list[int] = eventually(lambda: len(found := ranks_of(child)) == 2 and found)
    kill(ranks[rank])
    return [child, *ranks]


def test_killed_one_by_one_they_record_what_undisturbed_ones_do(tmp_path: Path) -> None:
    with standing(tmp_path) as system:
        system.environment["NEQ_THREADS"] = "2"
        worker = Process("worker", "--slots", "1", environment=system.environment)
        try:
            undisturbed = told(system, train(system, **TOGETHER))
            run_id = launch(system, **TOGETHER)
            gone = [
                pid
                for rank, after in ((1, 2), (0, 5))
                for pid in kill_one(system, worker, run_id, rank=rank, after=after)
            ]
            run = wait(system, run_id, lambda run: run["state"] in ("finished", "failed"))
        finally:
            worker.stop()
        assert run["state"] == "finished", run["reason"]
        assert told(system, run_id) == undisturbed
        assert len({epoch["frozen_fraction"] for epoch, _ in undisturbed}) > 3, "there were masks to lose"
        with store_of(system) as store:
            events = store.events_after(run_id, 0, limit=10_000)
        assert Counter(event.kind for event in events)["run_requeued"] == 2
        said = "\n".join(event.payload["text"] for event in events if event.kind == "logged")
        assert "Process 1 of the 2 that train this run was killed by signal 9" in said
        assert "Process 0 of the 2 that train this run was killed by signal 9" in said
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in gone), 20)
