"""32 workers at one queue of 2,000 runs: none is taken twice, none is lost, also when workers are killed."""

import sys
import time
from collections import Counter

import pytest

from contract.config import RunConfig
from db import NewRun, Store
from tests.db.conftest import store, url
from tests.system import Process
from tests.trainer.worker.conftest import eventually

__all__ = ["store", "url"]

pytestmark = pytest.mark.endurance

WORKERS, RUNS, KILLED = 32, 2_000, 4


def test_none_is_taken_twice_and_none_is_lost(url: str, store: Store) -> None:
    config = RunConfig().model_dump(mode="json")
    queued = [run.id for run in store.create_runs([NewRun(config=config, epochs_planned=1) for _ in range(RUNS)])]
    began = time.monotonic()
    workers = [Process(url, "20", environment={}, module="tests.endurance.claiming") for _ in range(KILLED)]
    try:
        eventually(lambda: all(each.lines for each in workers))  # the others might leave one of them nothing
        workers += [Process(url, environment={}, module="tests.endurance.claiming") for _ in range(WORKERS - KILLED)]
        for each in workers[KILLED:]:
            assert each.wait(600) == 0, each.said
        took = time.monotonic() - began
        for each in workers[:KILLED]:
            each.interrupt(9)
        taken = Counter(line.strip() for each in workers for line in each.lines)
        held = [each.lines[-1].strip() for each in workers[:KILLED]]
        assert set(taken) == set(queued) and set(taken.values()) == {1}
        sys.stdout.write(f"{RUNS} runs claimed and ended by {WORKERS} workers in {took:.1f} s\n")
        states = Counter(store.run(run_id).state for run_id in queued)
        assert states == {"finished": RUNS - KILLED, "running": KILLED}
        assert store.requeue_silent(0) == dict.fromkeys(held, "queued")
        last = Process(url, environment={}, module="tests.endurance.claiming")
        workers.append(last)
        assert last.wait(60) == 0 and sorted(line.strip() for line in last.lines) == sorted(held)
        assert Counter(store.run(run_id).state for run_id in queued) == {"finished": RUNS}
    finally:
        for each in workers:
            each.stop()
