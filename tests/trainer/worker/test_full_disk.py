"""A run on a disk that has become full ends with the reason, and can be stopped: it does not run for ever."""

import pytest

from db import EventRecord, Store, StoreFull
from tests.trainer.worker.conftest import Bench, eventually

pytestmark = pytest.mark.process


class Full(Store):
    """A store on whose disk only ends and signs of life find room, as with its reserve in use."""

    def append(self, run_id: str, worker_id: str, entry: EventRecord) -> int:
        if entry.ends is None and entry.kind != "run_started":
            raise StoreFull("The disk is full.")
        return super().append(run_id, worker_id, entry)


def test_a_run_fails_with_the_remedy(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.worker.run_execution.FULL_PATIENCE_SECONDS", 0.3)
    run_id = bench.launch("epochs")
    bench.store = Full(bench.store._database)
    bench.start_worker()
    run = bench.end_of(run_id)
    assert run.state == "failed"
    assert run.reason == (
        "The store's disk is full. Free space on it, by deleting runs for instance, and resume the run."
    )


def test_a_run_that_waits_for_room_can_be_stopped(bench: Bench) -> None:
    run_id = bench.launch("epochs")
    bench.store = Full(bench.store._database)
    bench.start_worker()
    eventually(lambda: bench.store.run(run_id).last_seq > 0)
    bench.store.request_stop(run_id)
    assert bench.end_of(run_id).state == "stopped"
    bench.store.delete_run(run_id)
