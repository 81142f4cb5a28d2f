"""How long a run takes: what counts of its life, by numbers worked by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db import Run, Store, Transition
from server.serializers import present_runs
from server.timing import elapsed_seconds, starting_seconds, timing_of
from tests.server.recording import Recording

pytestmark = pytest.mark.slow

BEGAN = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def turn(kind: str, seconds: float, **payload: Any) -> Transition:
    return Transition(seq=0, at=after(seconds), kind=kind, payload=payload)


def run_of(store: Store, **changes: Any) -> Run:
    """A running run that was taken at BEGAN."""
    made = store.create_run(name="r", config={"training": {"batch_size": 50}}, epochs_planned=10)
    return replace(made, **{"state": "running", "started_at": BEGAN, **changes})


def test_nothing_counts_before_a_worker_took_it(store: Store) -> None:
    assert elapsed_seconds(run_of(store, state="queued", started_at=None), [], after(50)) is None


def test_the_time_between_a_cut_off_and_its_continuation_does_not_count(store: Store) -> None:
    # 100 s at work, 900 s away, 30 s at work again.
    turns = [turn("run_started", 5), turn("run_requeued", 100), turn("run_continued", 1000)]
    assert elapsed_seconds(run_of(store), turns, after(1030)) == 130


def test_of_a_lost_worker_the_time_since_its_last_heartbeat_does_not_count(store: Store) -> None:
    heard = after(70).isoformat()
    turns = [turn("run_started", 5), turn("run_requeued", 100, heard_at=heard)]
    assert elapsed_seconds(run_of(store, state="queued"), turns, after(500)) == 70


def test_a_resume_counts_on_from_where_the_run_was_stopped(store: Store) -> None:
    turns = [turn("run_started", 5), turn("run_stopped", 60), turn("run_requeued", 600), turn("run_continued", 700)]
    assert elapsed_seconds(run_of(store, state="queued"), turns[:3], after(650)) == 60
    assert elapsed_seconds(run_of(store), turns, after(720)) == 80


def test_a_fork_counts_its_own_time_alone(store: Store) -> None:
    turns = [turn("run_started", -5000), turn("run_continued", 4)]  # the first is its parent's
    assert elapsed_seconds(run_of(store), turns, after(40)) == 40


def test_a_run_starts_from_when_it_was_taken_until_it_trains(store: Store) -> None:
    started, continued, requeued = turn("run_started", 5), turn("run_continued", 12), turn("run_requeued", 3)
    run = run_of(store)
    assert starting_seconds(run, [started, requeued, continued]) == 5
    assert starting_seconds(run, [turn("run_started", -1)]) == 0, "the worker's clock is behind the database's"
    assert starting_seconds(run, [requeued, started]) is None, "its first worker never began"
    assert starting_seconds(run, []) is None
    fork = replace(run, parent_id="parent0000")
    assert starting_seconds(fork, [turn("run_started", -5000), continued]) == 12
    assert starting_seconds(fork, [turn("run_started", -5000)]) is None


def test_an_ended_run_stands_still(store: Store) -> None:
    turns = [turn("run_started", 5), turn("run_finished", 300)]
    assert elapsed_seconds(run_of(store, state="finished"), turns, after(9999)) == 300


def epoch(seconds: float) -> dict[str, Any]:
    return {"seconds": {"train": 0.5 * seconds, "probe": 0.25 * seconds, "evaluate": 0.25 * seconds, "record": 0.0}}


def test_what_is_left_is_the_median_of_the_newest_epochs(store: Store) -> None:
    # Half of the training of epoch 3 is done: a quarter of an epoch. 7 − 0.25 epochs of 10 s are left.
    progress = {"epoch": 3, "phase": "train", "batch": 5, "batches": 10, "samples_per_second": 1.0}
    run = run_of(store, epochs_done=3, progress=progress)
    timing = timing_of(run, [], [epoch(10), epoch(10), epoch(400)], after(100))
    assert timing["seconds_per_epoch"] == 10
    assert timing["epoch_fraction"] == 0.25
    assert timing["seconds_left"] == pytest.approx(67.5)


def test_the_checkpoint_counts_to_its_epoch(store: Store) -> None:
    told = epoch(10)
    told["seconds"]["checkpoint"] = 2.0
    assert timing_of(run_of(store), [], [told], after(1))["seconds_per_epoch"] == 12


def test_in_the_first_epoch_its_own_pace_tells(store: Store) -> None:
    # 20 batches of 50 samples at 100 a second are 10 s of training, usually 88 % of an epoch.
    progress = {"epoch": 0, "phase": "train", "batch": 10, "batches": 20, "samples_per_second": 100.0}
    timing = timing_of(run_of(store, progress=progress), [], [], after(5))
    assert timing["seconds_per_epoch"] == pytest.approx(10 / 0.88)
    assert timing["epoch_fraction"] == pytest.approx(0.44)


@pytest.mark.parametrize("changes", [{"state": "queued"}, {"state": "finished"}, {"stop_requested": True}])
def test_no_time_is_left_of_what_does_not_run_to_its_end(store: Store, changes: dict[str, Any]) -> None:
    assert timing_of(run_of(store, **changes), [], [epoch(10)], after(1))["seconds_left"] is None


def test_the_store_tells_when_a_lost_worker_was_last_heard(store: Store) -> None:
    recording = Recording(store)
    recording.start()
    recording.requeue("It was shut down.")
    started, requeued = store.transitions([recording.id])[recording.id]
    assert (started.kind, requeued.kind) == ("run_started", "run_requeued")
    assert datetime.fromisoformat(requeued.payload["heard_at"]) <= requeued.at + timedelta(seconds=1)


def test_a_run_of_more_turns_than_its_record_tells_counts_none_of_the_time_between(store: Store) -> None:
    recording = Recording(store)
    recording.start()
    for _ in range(60):
        recording.requeue("It was shut down.")
        recording.go_on()
    recording.requeue("It was shut down.")
    (shown,) = present_runs(store, [recording.run])
    told = store.events_after(recording.id, 0, kinds=("run_requeued", "run_continued"))
    heard = [datetime.fromisoformat(each.payload["heard_at"]) for each in told if each.kind == "run_requeued"]
    began = [recording.run.started_at, *(each.at for each in told if each.kind == "run_continued")]
    assert (len(heard), len(began)) == (61, 61)
    at_work = sum(max(0.0, (end - start).total_seconds()) for start, end in zip(began, heard, strict=True) if start)
    assert shown["timing"]["elapsed_seconds"] == pytest.approx(at_work, abs=1e-6)
    assert len(shown["turns"]) == 100
    assert shown["turns"][-1]["kind"] == "run_requeued"
