"""A worker takes runs, has them trained in processes, and records what they say."""

import os
import signal
import threading

import numpy as np
import pytest

from db import EventRecord, Store, StoreUnreachable
from tests.trainer.worker.conftest import Bench, eventually, is_alive
from tests.trainer.worker.stub import ended, finished, started

pytestmark = pytest.mark.process


def test_a_queued_run_is_trained_to_its_end_and_recorded(bench: Bench) -> None:
    run_id = bench.launch("epochs", epochs=3)
    bench.start_worker()
    run = bench.end_of(run_id)
    assert (run.state, run.reason, run.epochs_done, run.device, run.neurons) == ("finished", None, 3, "stub", 4)
    assert bench.kinds(run_id) == ["run_started", "logged", *["epoch_finished"] * 3, "logged", "run_finished"]
    assert run.frozen_fraction == 0.5
    applied = bench.store.layer_history(run_id, 0, "applied").values
    decided = bench.store.layer_history(run_id, 0, "frozen").values
    assert np.array_equal(applied[1:], decided[:-1]) and decided.sum() == 0 + 1 + 2
    assert np.isnan(bench.store.layer_history(run_id, 0, "velocity").values[0]).all()
    assert bench.store.epochs_after(run_id)[0].payload["train_loss"] is None, "NaN is no JSON"


def test_a_stop_ends_a_run_in_mid_epoch_with_all_that_it_started(bench: Bench) -> None:
    run_id = bench.launch("slow")
    bench.start_worker()
    processes = bench.processes_of("run")
    bench.store.request_stop(run_id)
    run = bench.end_of(run_id)
    assert (run.state, run.reason, run.epochs_done) == ("stopped", "It was stopped on request.", 1)
    eventually(lambda: not any(map(is_alive, processes)))
    event = bench.store.events_after(run_id, 0)[-1]
    assert event.payload == {"kind": "run_stopped", "epochs": 1, "reason": run.reason}


def test_a_process_that_will_not_hear_is_stopped_all_the_same(bench: Bench) -> None:
    run_id = bench.launch("deaf")
    bench.start_worker()
    processes = bench.processes_of("run")
    bench.store.request_stop(run_id)
    assert bench.end_of(run_id).state == "stopped"
    eventually(lambda: not any(map(is_alive, processes)))


def test_a_process_that_is_killed_is_tried_again_and_fails_its_run_the_fourth_time(bench: Bench) -> None:
    run_id = bench.launch("killed")
    bench.start_worker()
    run = bench.end_of(run_id)
    assert run.state == "failed" and run.reason is not None
    assert "signal 9 (SIGKILL)" in run.reason and "out of memory" in run.reason
    assert "try training.batch_size 50 with training.gradient_accumulation_steps 2" in run.reason
    assert "It was interrupted 4 times in epoch 0" in run.reason
    assert bench.kinds(run_id).count("run_requeued") == 3
    assert "the last words" in bench.store.events_after(run_id, 0)[-1].payload["details"]


@pytest.mark.parametrize(
    ("what", "reason", "details"),
    [
        ("raises", "Training raised ZeroDivisionError: the loss was divided by nothing", "in raises"),
        ("refuses", "The images are not there. Put them there.", ""),
        ("starves", "ran out of memory", "MemoryError"),
        ("crashes", "ended with status 3", ""),
        ("nosuchthing", "Training raised KeyError: 'nosuchthing'", "KeyError"),
    ],
)
def test_a_run_fails_with_a_reason_and_the_worker_goes_on(bench: Bench, what: str, reason: str, details: str) -> None:
    broken, fine = bench.launch(what), bench.launch("epochs")
    bench.start_worker()
    run = bench.end_of(broken)
    assert run.state == "failed" and reason in (run.reason or "")
    assert details in bench.store.events_after(broken, 0)[-1].payload["details"]
    assert bench.end_of(fine).state == "finished"


def test_the_log_of_a_failing_run_is_kept(bench: Bench) -> None:
    run_id = bench.launch("raises")
    bench.start_worker()
    bench.end_of(run_id)
    text = "\n".join(event.payload["text"] for event in bench.store.events_after(run_id, 0, kinds=("logged",)))
    assert "a line before the error" in text and "Traceback" in text
    assert bench.kinds(run_id)[-1] == "run_failed"


def test_a_description_that_cannot_be_read_fails_its_run(bench: Bench) -> None:
    run_id = bench.store.create_run(config={"model": {"kind": "from the future"}}, epochs_planned=1).id
    bench.start_worker()
    run = bench.end_of(run_id)
    assert run.state == "failed" and "another version" in (run.reason or "")


def test_a_flood_of_lines_does_not_flood_the_store_and_says_what_is_missing(bench: Bench) -> None:
    run_id = bench.launch("floods", epochs=1)
    bench.start_worker()
    assert bench.end_of(run_id).state == "finished"
    logged = [e.payload["text"] for e in bench.store.events_after(run_id, 0, kinds=("logged",))]
    assert logged.pop(0).startswith("Training on "), "the worker's own words come first"
    assert sum(map(len, logged)) < 100_000 and len(logged) < 40
    assert logged[0].startswith("line 0\nline 1\n")
    assert any("more lines were printed and are left out here" in text for text in logged)
    assert bench.kinds(run_id)[-1] == "run_finished", "the log comes before the end"


def test_a_process_is_not_ahead_of_what_is_recorded(bench: Bench) -> None:
    run_id = bench.launch("greedy", epochs=5)
    made: list[int] = []

    class Watching(Store):
        def append(self, run_id: str, worker_id: str, entry: EventRecord) -> int:
            if entry.epoch is not None:
                made.append(int((bench.folder / "made").read_text()))
            return super().append(run_id, worker_id, entry)

    bench.store = Watching(bench.store._database)
    bench.start_worker()
    assert bench.end_of(run_id).state == "finished"
    assert made == [0, 1, 2, 3, 4]


def test_a_process_gets_its_limits_and_none_of_our_secrets(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEQ_DATABASE_URL", "postgresql://u:secret@h/d")
    run_id = bench.launch("gpu_less")
    bench.start_worker()
    assert bench.end_of(run_id).state == "finished"
    assert (bench.folder / "told").read_text() == "1 cpu [] True '' 500"


def test_ending_a_worker_gives_its_runs_back_and_takes_it_off_the_list(bench: Bench) -> None:
    ids = [bench.launch("endless", name=f"run{i}") for i in range(2)]
    waiting = bench.launch("endless", name="waiting")
    bench.start_worker(slots=2)
    processes = bench.processes_of("run0") + bench.processes_of("run1")
    assert [worker.slots for worker in bench.store.workers()] == [2]
    assert bench.store.run(waiting).state == "queued", "two at once, and no more"
    bench.end_workers()
    for run_id in ids:
        run = bench.store.run(run_id)
        assert (run.state, run.writer_id, run.interruptions) == ("queued", None, 0)
        text = bench.store.events_after(run_id, 0)[-1].payload["text"]
        assert "The worker was shut down. The run is queued again" in text
    assert bench.store.workers() == [] and not any(map(is_alive, processes))


def test_a_run_that_was_asked_to_stop_while_its_worker_ends_is_stopped(bench: Bench) -> None:
    run_id = bench.launch("endless")
    stop = bench.start_worker()
    bench.processes_of("run")
    bench.store.request_stop(run_id)
    stop.set()
    assert bench.end_of(run_id).reason == "It was stopped on request."


def test_two_workers_share_the_runs_and_take_none_twice(bench: Bench) -> None:
    ids = [bench.launch("epochs", epochs=2) for _ in range(6)]
    for _ in range(2):
        bench.start_worker()
    for run_id in ids:
        assert bench.end_of(run_id).state == "finished"
        assert bench.kinds(run_id) == ["run_started", "logged", *["epoch_finished"] * 2, "logged", "run_finished"]


def test_a_worker_that_lost_its_run_ends_its_training_without_a_word(bench: Bench) -> None:
    run_id = bench.launch("slow")
    bench.start_worker()
    processes = bench.processes_of("run")
    # It has an epoch and no checkpoint, so it fails; the worker hears of it with its next heartbeat.
    eventually(lambda: bench.store.requeue_silent(-1))
    eventually(lambda: not any(map(is_alive, processes)))
    assert bench.store.run(run_id).state == "failed" and bench.kinds(run_id)[-1] == "run_failed"


def test_nothing_is_lost_while_the_store_does_not_answer(bench: Bench) -> None:
    run_id = bench.launch("epochs", epochs=4)
    away = threading.Event()
    tried = threading.Event()

    class Shaky(Store):
        def append(self, run_id: str, worker_id: str, entry: EventRecord) -> int:
            if entry.epoch is not None and entry.epoch.epoch == 2:
                away.set()
            if away.is_set() and not tried.is_set():
                tried.set()
                raise StoreUnreachable("The database is away.")
            return super().append(run_id, worker_id, entry)

    bench.store = Shaky(bench.store._database)
    bench.start_worker()
    assert bench.end_of(run_id).state == "finished" and tried.is_set()
    assert bench.kinds(run_id) == ["run_started", "logged", *["epoch_finished"] * 4, "logged", "run_finished"]


def test_any_generator_is_an_engine(bench: Bench) -> None:
    run_id = bench.launch("whatever")

    def engine(config: object, resume_point: object):  # type: ignore[no-untyped-def]
        yield started(1)
        yield finished(0)
        yield ended(1)

    bench.start_worker(engine=engine)
    assert bench.end_of(run_id).state == "finished"


def test_an_engine_that_says_nothing_of_its_end_fails_the_run(bench: Bench) -> None:
    run_id = bench.launch("whatever")
    bench.start_worker(engine=lambda config, resume_point: (event for event in [started(1)]))
    run = bench.end_of(run_id)
    assert run.state == "failed" and "without reporting a result" in (run.reason or "")


def test_what_a_killed_process_started_is_ended_too(bench: Bench) -> None:
    run_id = bench.launch("slow")
    bench.start_worker()
    child, grandchild = bench.processes_of("run")
    os.kill(child, signal.SIGKILL)
    assert "SIGKILL" in (bench.end_of(run_id).reason or "")
    eventually(lambda: not is_alive(grandchild))
