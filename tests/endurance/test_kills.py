"""Workers and training processes killed with SIGKILL at random moments: the records are an undisturbed run's."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.endurance.records import EPOCHS, children, ended, eventually, kill, launch, standing, store_of, told, wait
from tests.system import Process, System

pytestmark = pytest.mark.timeout(1200)


class Killer:
    """Kills whatever trains a run, at random moments, but not so often that the run is given up."""

    def __init__(self, system: System, run_id: str, kills: int, seed: int) -> None:
        self.system, self.run_id, self.kills, self.random = system, run_id, kills, random.Random(seed)
        self.workers = [self.new_worker() for _ in range(2)]
        self.killed: Counter[str] = Counter()
        self.in_epoch: Counter[int] = Counter()

    def new_worker(self) -> Process:
        """Another worker on the same folder of checkpoints."""
        return Process("worker", "--slots", "1", environment=self.system.environment)

    def strike(self) -> None:
        """Waits for a training process and a moment longer, and kills it or its worker."""
        eventually(lambda: self.trained_by() and self.may_strike())
        self.wait_for_a_moment()
        self.in_epoch[self.epochs_done()] += 1
        worker, child = eventually(self.trained_by)
        if self.random.random() < 0.5:
            kill(child)
            self.killed["child"] += 1
            return
        kill(worker.pid)
        worker.stop()
        self.workers[self.workers.index(worker)] = self.new_worker()
        self.killed["worker"] += 1

    def wait_for_a_moment(self) -> None:
        """A random time, but on a fast machine no longer than leaves epochs for the strikes that follow."""
        until = time.monotonic() + self.random.uniform(0.0, 3.5)
        latest = EPOCHS * (self.killed.total() + 1) // (self.kills + 1)
        while time.monotonic() < until and self.epochs_done() < latest:
            time.sleep(0.05)
        time.sleep(self.random.uniform(0.0, 0.2))

    def may_strike(self) -> bool:
        """Whether it has been cut off less than twice in this epoch.

        A third time there may be besides: a strike that is counted to the epoch before, which ended between the look
        and the blow. After the fourth the run is given up.
        """
        return self.in_epoch[self.epochs_done()] < 2

    def epochs_done(self) -> int:
        return int(self.system.ask("GET", f"/runs/{self.run_id}")["epochs_done"])

    def trained_by(self) -> tuple[Process, int] | None:
        """The worker that has a training process, and that process."""
        found = next(((worker, child) for worker in self.workers for child in children(worker)), None)
        if found is None:
            run = self.system.ask("GET", f"/runs/{self.run_id}")
            assert not ended(run), f"over before the last strike: {run['reason']} {self.in_epoch} {self.killed}"
        return found

    def stop(self) -> None:
        """Ends the workers."""
        for worker in self.workers:
            worker.stop()


def disturbed(system: System, kills: int, seed: int) -> tuple[str, Counter[str]]:
    """A run in which so many processes are killed, to its end."""
    run_id = launch(system)
    killer = Killer(system, run_id, kills, seed)
    try:
        for _ in range(kills):
            killer.strike()
        run = wait(system, run_id, lambda run: run["state"] in ("finished", "failed"))
        assert run["state"] == "finished", run["reason"]
    finally:
        killer.stop()
    return run_id, killer.killed


@pytest.mark.endurance
@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        ("sqlite", 10),
        ("postgresql", 4),
    ],
)
def test_killed_at_random_moments_a_run_records_what_an_undisturbed_one_does(
    tmp_path: Path, request: pytest.FixtureRequest, undisturbed: Any, kind: str, kills: int
) -> None:
    url = None if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))
    with standing(tmp_path, url) as system:
        run_id, killed = disturbed(system, kills, seed=1)
        assert killed["child"] + killed["worker"] == kills and len(killed) == 2

        found = told(system, run_id)
        assert [epoch["epoch"] for epoch, _ in found] == list(range(EPOCHS))
        assert found == undisturbed
        shares = [epoch["frozen_fraction"] for epoch, _ in found]
        assert len(set(shares)) > 4, "there were masks to lose"
        with store_of(system) as store:
            kinds = Counter(event.kind for event in store.events_after(run_id, 0, limit=10_000))
        assert kinds["run_started"] == kinds["run_finished"] == 1
        assert kinds["epoch_finished"] == EPOCHS
        assert kinds["run_requeued"] >= kills / 2, "some may have met a run between two workers"
