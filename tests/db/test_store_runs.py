"""Runs: made, found, described, stopped, deleted."""

from datetime import UTC, timedelta

import pytest

from db import Run, RunActive, RunEnded, RunLost, Store, UnknownCursor, UnknownRun
from tests.db.making import WORKER, ended, epoch_finished, logged, now, progressed, started


def test_a_new_run_is_queued_under_an_id_of_its_own(store: Store) -> None:
    before = now()
    run = store.create_run(name="n", notes="o", tags=("a", "b"), config={"x": [1.5, None]}, epochs_planned=3)
    assert len(run.id) == 10 and run.id.isalnum() and run.id == run.id.lower()
    assert (run.state, run.tags, run.config, run.epochs_planned) == ("queued", ("a", "b"), {"x": [1.5, None]}, 3)
    assert run.created_at.tzinfo is UTC and abs(run.created_at - before) < timedelta(minutes=1)
    assert store.run(run.id) == run


def test_an_unknown_run_is_an_error_that_names_it(store: Store) -> None:
    for ask in (store.run, store.delete_run, store.request_stop, store.describe_run):
        with pytest.raises(UnknownRun, match="'nosuchrun1'"):
            ask("nosuchrun1")


def test_pages_hold_every_run_once_newest_first_while_new_ones_arrive(store: Store) -> None:
    made = [store.create_run(name=str(i), config={}, epochs_planned=1).id for i in range(7)]
    seen, cursor = [], None
    while True:
        page = store.runs(cursor=cursor, limit=3)
        seen += [run.id for run in page.items]
        store.create_run(config={}, epochs_planned=1)  # newer than the cursor: not on a later page
        if (cursor := page.next) is None:
            break
    assert seen == made[::-1]


def test_the_last_page_has_no_next_even_when_it_is_full(store: Store) -> None:
    for _ in range(4):
        store.create_run(config={}, epochs_planned=1)
    page = store.runs(limit=2)
    assert len(store.runs(limit=2, cursor=page.next).items) == 2
    assert store.runs(limit=2, cursor=page.next).next is None


@pytest.mark.parametrize("cursor", ["", "x", "12", "99999999999999999999999-abc", "1-b\x00"])
def test_a_made_up_cursor_is_an_error_or_an_empty_page(store: Store, cursor: str) -> None:
    store.create_run(config={}, epochs_planned=1)
    try:
        assert store.runs(cursor=cursor).items == []
    except UnknownCursor as error:
        assert "leave it out" in str(error)


def test_runs_are_found_by_exact_tag_state_and_text_in_any_case(store: Store) -> None:
    one = store.create_run(name="Straße ÉTÉ", tags=("a b", "100%"), config={}, epochs_planned=1)
    two = store.create_run(notes="under_score", tags=("a",), config={}, epochs_planned=1)

    def found(**wanted: str) -> list[str]:
        return [run.id for run in store.runs(**wanted).items]  # type: ignore[arg-type]

    assert found(tag="a") == [two.id]
    assert found(tag="A") == [] and found(tag=" ") == [] and found(tag="b") == []
    assert found(tag="100%") == [one.id] and found(tag="1%") == []
    assert found(search="STRASSE été") == [one.id]
    assert found(search="r_s") == [two.id] and found(search="e%t") == []
    assert found(search="A B") == [one.id] and found(search=two.id[2:]) == [two.id]
    assert found(state="queued", tag="a") == [two.id] and found(state="running") == []


def test_describing_changes_what_is_given_and_what_is_found(store: Store) -> None:
    run = store.create_run(name="old", notes="kept", tags=("t",), config={}, epochs_planned=1)
    changed = store.describe_run(run.id, name="new", tags=())
    assert (changed.name, changed.notes, changed.tags) == ("new", "kept", ())
    assert changed.revision > run.revision
    assert store.runs(search="old").items == [] and store.runs(search="NEW").items == [changed]


def test_a_tag_with_a_comma_is_refused_and_a_nul_does_no_harm(store: Store) -> None:
    with pytest.raises(ValueError, match="'a,b' is no tag"):
        store.create_run(tags=("a,b",), config={}, epochs_planned=1)
    assert store.create_run(name="a\x00b", config={"n": "\x00"}, epochs_planned=1).config == {"n": "\x00"}


def test_a_queued_run_is_stopped_at_once_and_says_so(store: Store, worker_id: str) -> None:
    run = store.create_run(config={}, epochs_planned=1)
    stopped = store.request_stop(run.id)
    assert stopped.state == "stopped" and stopped.ended_at is not None and stopped.reason
    assert [event.kind for event in store.events_after(run.id, 0)] == ["run_stopped"]
    assert store.claim(worker_id) is None
    with pytest.raises(RunEnded, match="it is stopped"):
        store.request_stop(run.id)


def test_a_running_run_is_asked_to_stop_and_its_worker_hears_it(store: Store, worker_id: str, run: Run) -> None:
    assert store.heartbeat(run.id, worker_id) is False
    asked = store.request_stop(run.id)
    assert asked.state == "running" and asked.stop_requested
    assert store.request_stop(run.id) == asked, "asking twice is asking once"
    assert store.heartbeat(run.id, worker_id) is True


def test_a_running_run_is_not_deleted(store: Store, worker_id: str, run: Run) -> None:
    with pytest.raises(RunActive, match="stop it first"):
        store.delete_run(run.id)
    store.append(run.id, worker_id, ended())
    store.delete_run(run.id)
    with pytest.raises(UnknownRun):
        store.run(run.id)


def test_deleting_a_run_deletes_all_of_it_and_nothing_else(store: Store, worker_id: str) -> None:
    ids = [store.create_run(config={}, epochs_planned=1).id for _ in range(2)]
    for _ in ids:
        run = store.claim(worker_id)
        assert run is not None
        for entry in (started(), epoch_finished(0), ended()):
            store.append(run.id, worker_id, entry)
    gone, kept = ids
    store.delete_run(gone)
    assert store.events_after(gone, 0) == [] and store.snapshots_at(gone, 0, [0, 1]) == []
    assert len(store.frozen_counts(gone)[0]) == 0 and gone not in store.revisions()
    assert len(store.events_after(kept, 0)) == 3 and len(store.snapshots_at(kept, 0)) == 2


def test_the_oldest_queued_run_is_claimed_first(store: Store, worker_id: str) -> None:
    made = [store.create_run(config={}, epochs_planned=1).id for _ in range(3)]
    claimed = [run.id for run in iter(lambda: store.claim(worker_id), None)]
    assert claimed == made
    run = store.run(made[0])
    assert (run.state, run.writer_id) == ("running", worker_id)
    assert run.started_at is not None and run.heartbeat_at is not None


def test_the_row_of_a_run_follows_what_it_says(store: Store, worker_id: str, run: Run) -> None:
    def say(entry: object) -> Run:
        store.append(run.id, worker_id, entry)  # type: ignore[arg-type]
        return store.run(run.id)

    assert (lambda r: (r.device, r.neurons, r.progress))(say(started())) == ("CPU", 13, None)
    assert say(progressed(7)).progress == {"kind": "epoch_progressed", "batch": 7}
    first = say(epoch_finished(0, accuracy=0.9))
    assert (first.epochs_done, first.test_accuracy, first.frozen_fraction, first.progress) == (1, 0.9, 0.0, None)
    second = say(epoch_finished(1, accuracy=0.8))
    assert (second.test_accuracy, second.best_test_accuracy) == (0.8, 0.9)
    assert second.frozen_fraction == pytest.approx(2 / 13)
    say(progressed(1))
    last = say(ended("failed", "it broke"))
    assert (last.state, last.reason, last.progress, last.last_seq) == ("failed", "it broke", None, 6)
    assert last.ended_at is not None


def test_revisions_rise_with_what_a_reader_can_see_and_not_with_heartbeats(
    store: Store, worker_id: str, run: Run
) -> None:
    before = store.revisions()[run.id]
    store.heartbeat(run.id, worker_id)
    assert store.revisions()[run.id] == before
    store.append(run.id, worker_id, logged("x"))
    assert store.revisions()[run.id] == before + 1


def test_nothing_leaves_an_end_state(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, ended("stopped"))
    for entry in (logged("late"), ended("finished")):
        with pytest.raises(RunLost):
            store.append(run.id, worker_id, entry)
    with pytest.raises(RunLost):
        store.heartbeat(run.id, worker_id)
    assert store.requeue_silent(-1) == {}
    assert store.run(run.id).state == "stopped" and len(store.events_after(run.id, 0)) == 1


def test_workers_are_listed_until_they_are_forgotten(store: Store) -> None:
    one = store.register_worker(**WORKER)
    two = store.register_worker(**WORKER)
    assert [worker.id for worker in store.workers()] == [one.id, two.id]
    store.worker_alive(one.id)
    assert store.workers()[0].heard_at > one.heard_at
    store.forget_worker(one.id)
    store.forget_worker(one.id)
    assert [worker.id for worker in store.workers()] == [two.id]
