"""Training that hangs is noticed by its lack of progress, although its parent goes on beating for it."""

import time

import pytest

from contract.config import RunConfig, Training
from db import EventRecord, Store
from tests.trainer.worker.conftest import Bench
from trainer.engines import ResumePoint
from trainer.engines.environment import Workplace
from trainer.engines.process import ChildRun, process_engine

pytestmark = pytest.mark.process

MINUTES = 0.1
"""Six seconds: a process must have started within them."""


def words(store: Store, run_id: str) -> str:
    return "\n".join(event.payload["text"] for event in store.events_after(run_id, 0, kinds=("logged",)))


def test_a_run_that_hangs_once_goes_on_by_itself(bench: Bench) -> None:
    run_id = bench.launch("hangs_once", epochs=2, stall_minutes=1.5 * MINUTES)
    bench.start_worker()
    assert bench.end_of(run_id).state == "finished"
    kinds = bench.kinds(run_id)
    assert kinds.count("run_requeued") == 1
    assert kinds.count("epoch_finished") == 2
    told = words(bench.store, run_id)
    assert "Training made no progress for 0.15 minutes and was terminated." in told
    assert "in _wait_for_ever" in told, "where it hung"


def test_a_run_that_always_hangs_fails_with_the_reason(bench: Bench) -> None:
    run_id = bench.launch("hangs", epochs=2, stall_minutes=MINUTES / 5)
    bench.start_worker()
    run = bench.end_of(run_id)
    assert run.state == "failed" and run.reason is not None
    assert "no progress for 0.02 minutes" in run.reason
    assert "interrupted 4 times in epoch 0" in run.reason
    assert "training.stall_minutes" in run.reason
    assert bench.kinds(run_id).count("run_requeued") == 3


SLOW = "tests.trainer.worker.slow_stub:train"


def test_importing_torch_is_no_lack_of_progress(bench: Bench) -> None:
    run_id = bench.launch("epochs", epochs=1, stall_minutes=1 / 20)  # less than the import takes
    bench.start_worker(engine=process_engine(Workplace(bench.folder, "cpu", 1), train=SLOW))
    assert bench.end_of(run_id).state == "finished"
    assert "run_requeued" not in bench.kinds(run_id)


def test_a_process_that_never_begins_is_ended_and_it_is_said_why(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.engines.process.START_MINUTES", 1 / 60)
    run_id = bench.launch("epochs", epochs=1, stall_minutes=1 / 60)
    bench.start_worker(engine=process_engine(Workplace(bench.folder, "cpu", 1), train=SLOW))
    run = bench.end_of(run_id)
    assert run.state == "failed" and run.reason is not None
    assert "had not started the run after 0.0166667 minutes" in run.reason


def test_a_minute_is_one(bench: Bench) -> None:
    config = RunConfig(training=Training(stall_minutes=1))
    run = ChildRun(config, Workplace(bench.folder, "cpu", 1), ResumePoint(), "tests.trainer.worker.stub:train")
    run._begun_at = 0.0
    try:
        assert "no progress for 1 minute and was" in str(run._stalled().args[0])
    finally:
        run.close()


def test_lines_of_log_and_progress_are_signs_of_life(bench: Bench) -> None:
    run_id = bench.launch("mutters", epochs=1, stall_minutes=MINUTES)
    bench.start_worker()
    assert bench.end_of(run_id).state == "finished"
    assert "run_requeued" not in bench.kinds(run_id)


def test_a_process_that_waits_for_a_slow_store_is_not_silent(bench: Bench) -> None:
    run_id = bench.launch("epochs", epochs=1, stall_minutes=MINUTES)

    class Slow(Store):
        """A store that takes twice the limit to record an epoch, while the process waits for it."""

        def append(self, run_id: str, worker_id: str, entry: EventRecord) -> int:
            if entry.epoch is not None:
                time.sleep(2 * 60 * MINUTES)
            return super().append(run_id, worker_id, entry)

    bench.store = Slow(bench.store._database)
    bench.start_worker()
    assert bench.end_of(run_id).state == "finished"
    assert "run_requeued" not in bench.kinds(run_id)
