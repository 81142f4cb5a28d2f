"""Runs that go on: given back to the queue, resumed, forked; and the checkpoints that they need for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection
from sqlalchemy.event import listens_for

from db import (
    CannotResume,
    Checkpoint,
    EventRecord,
    NewRun,
    RetainedCheckpoints,
    Run,
    RunLost,
    Store,
    UnknownCheckpoint,
    UnknownRun,
)
from tests.db.making import WORKER, ended, epoch_finished, progressed, started

SHELF = "shelf-a"
CUT: dict[str, str] = {"reason": "The process was killed.", "remedy": "Free memory."}


def checkpoint(run_id: str, epoch: int) -> Checkpoint:
    return Checkpoint(epoch, f"{run_id}/epoch-{epoch:06}-0011.pt", 5_000_000_000)


def epoch_kept(run_id: str, epoch: int, *kept: int, accuracy: float = 0.5) -> EventRecord:
    """An epoch after which the checkpoints of these epochs (its own alone where none is named) are kept."""
    files = tuple(checkpoint(run_id, each) for each in kept or (epoch,))
    return replace(epoch_finished(epoch, accuracy), kept=RetainedCheckpoints(SHELF, files))


def trained(store: Store, worker_id: str, run: Run, epochs: int) -> None:
    store.append(run.id, worker_id, started())
    for epoch in range(epochs):
        store.append(run.id, worker_id, epoch_kept(run.id, epoch))


def words(store: Store, run_id: str) -> str:
    return "\n".join(event.payload["text"] for event in store.events_after(run_id, 0, kinds=("logged",)))


def test_a_run_that_is_given_back_is_claimed_again_where_its_records_end(
    store: Store, worker_id: str, run: Run
) -> None:
    trained(store, worker_id, run, 2)
    store.append(run.id, worker_id, progressed(7))
    assert store.requeue(run.id, worker_id, **CUT) == "queued"  # type: ignore[arg-type]
    with pytest.raises(RunLost):
        store.append(run.id, worker_id, epoch_finished(2))
    other = store.register_worker(**WORKER).id
    again = store.claim(other, SHELF)
    assert again is not None and (again.id, again.writer_id, again.epochs_done) == (run.id, other, 2)
    assert again.started_at == run.started_at, "the first beginning stays"
    assert again.progress is None and again.checkpoint_epoch == 1
    assert store.append(run.id, other, epoch_kept(run.id, 2)) == again.last_seq + 1
    assert "The process was killed. The run is queued again, to resume at epoch 2." in words(store, run.id)


def test_a_run_is_cut_off_three_times_in_an_epoch_and_failed_the_fourth(store: Store, worker_id: str, run: Run) -> None:
    trained(store, worker_id, run, 1)
    for _ in range(3):
        assert store.requeue(run.id, worker_id, **CUT) == "queued"  # type: ignore[arg-type]
        store.claim(worker_id, SHELF)
    assert store.requeue(run.id, worker_id, details="last words", **CUT) == "failed"  # type: ignore[arg-type]
    failed = store.run(run.id)
    assert failed.state == "failed" and failed.ended_at is not None
    assert failed.reason == (
        "The process was killed. It was interrupted 4 times in epoch 1 and is not retried automatically. Free memory."
    )
    assert store.events_after(run.id, 0)[-1].payload["details"] == "last words"


def test_a_finished_epoch_makes_former_interruptions_count_no_more(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, started())
    for epoch in range(6):
        for _ in range(3):
            assert store.requeue(run.id, worker_id, **CUT) == "queued"  # type: ignore[arg-type]
            store.claim(worker_id, SHELF)
        store.append(run.id, worker_id, epoch_kept(run.id, epoch))
    assert store.run(run.id).interruptions == 0


def test_a_worker_that_is_ended_in_order_counts_for_no_setback(store: Store, worker_id: str, run: Run) -> None:
    for _ in range(9):
        assert store.requeue(run.id, worker_id, counted=False, **CUT) == "queued"  # type: ignore[arg-type]
        store.claim(worker_id, SHELF)
    assert store.run(run.id).interruptions == 0


def test_a_run_without_a_checkpoint_of_its_newest_epoch_is_failed(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, started())
    store.append(run.id, worker_id, epoch_finished(0))
    assert store.requeue(run.id, worker_id, **CUT) == "failed"  # type: ignore[arg-type]
    assert "no checkpoint of its latest epoch is kept. Launch it again." in (store.run(run.id).reason or "")
    with pytest.raises(CannotResume, match="launch it again"):
        store.resume(run.id)


def test_a_run_that_was_asked_to_stop_is_stopped_and_not_given_back(store: Store, worker_id: str, run: Run) -> None:
    trained(store, worker_id, run, 1)
    store.request_stop(run.id)
    assert store.requeue_silent(-1) == {run.id: "stopped"}
    assert store.run(run.id).reason == "It was stopped on request."


def test_only_the_runs_own_worker_may_give_it_back(store: Store, worker_id: str, run: Run) -> None:
    other = store.register_worker(**WORKER).id
    with pytest.raises(RunLost):
        store.requeue(run.id, other, **CUT)  # type: ignore[arg-type]
    assert store.run(run.id).state == "running" and store.events_after(run.id, 0) == []


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_stopped_or_failed_run_is_resumed_where_its_records_end(
    store: Store, worker_id: str, run: Run, state: str
) -> None:
    trained(store, worker_id, run, 2)
    store.append(run.id, worker_id, ended(state, "it broke"))
    seq = store.run(run.id).last_seq
    resumed = store.resume(run.id)
    assert (resumed.state, resumed.reason, resumed.ended_at) == ("queued", None, None)
    assert (resumed.stop_requested, resumed.interruptions) == (False, 0)
    assert [event.seq for event in store.events_after(run.id, seq)] == [seq + 1, seq + 2]
    again = store.claim(worker_id, SHELF)
    assert again is not None and store.append(run.id, worker_id, epoch_kept(run.id, 2)) == seq + 3
    store.append(run.id, worker_id, ended())
    assert "Requeued on request to resume at epoch 2." in words(store, run.id)


def test_a_resumed_run_that_is_stopped_before_a_worker_took_it_names_its_epochs(
    store: Store, worker_id: str, run: Run
) -> None:
    trained(store, worker_id, run, 2)
    store.append(run.id, worker_id, ended("stopped"))
    store.resume(run.id)
    assert store.request_stop(run.id).state == "stopped"
    assert store.events_after(run.id, 0)[-1].payload["epochs"] == 2
    assert store.resume(run.id).state == "queued"


def test_a_run_that_finished_waits_or_runs_is_not_resumed(store: Store, worker_id: str, run: Run) -> None:
    with pytest.raises(CannotResume, match="it is running"):
        store.resume(run.id)
    store.requeue(run.id, worker_id, **CUT)  # type: ignore[arg-type]
    with pytest.raises(CannotResume, match="it is queued"):
        store.resume(run.id)
    store.claim(worker_id)
    trained(store, worker_id, run, 1)
    store.append(run.id, worker_id, ended())
    with pytest.raises(CannotResume, match="fork it, with more epochs"):
        store.resume(run.id)
    with pytest.raises(UnknownRun):
        store.resume("nosuchrun1")


def test_a_run_is_given_to_workers_that_reach_its_checkpoints_alone(store: Store, worker_id: str, run: Run) -> None:
    trained(store, worker_id, run, 1)
    store.requeue(run.id, worker_id, **CUT)  # type: ignore[arg-type]
    assert store.claim(worker_id, "another shelf") is None
    fresh = store.create_run(config={}, epochs_planned=1)
    claimed = store.claim(worker_id, "another shelf")
    assert claimed is not None and claimed.id == fresh.id, "the older run does not block the queue"
    mine = store.claim(worker_id, SHELF)
    assert mine is not None and mine.id == run.id


def test_what_is_kept_no_more_is_named_once_for_deletion(store: Store, worker_id: str, run: Run) -> None:
    for epoch, kept in enumerate([(0,), (0, 1), (0, 2)]):
        store.append(run.id, worker_id, epoch_kept(run.id, epoch, *kept))
    assert store.checkpoints(run.id) == [checkpoint(run.id, 0), checkpoint(run.id, 2)]
    dropped = [checkpoint(run.id, 1).path]
    assert store.needless_checkpoints(SHELF) == dropped == store.needless_checkpoints(SHELF)
    assert store.needless_checkpoints("another shelf") == []
    store.checkpoints_deleted(dropped)
    assert store.needless_checkpoints(SHELF) == []


def test_deleting_a_run_leaves_its_checkpoints_to_be_deleted(store: Store, worker_id: str, run: Run) -> None:
    trained(store, worker_id, run, 2)
    store.append(run.id, worker_id, ended())
    store.checkpoints_deleted(store.needless_checkpoints(SHELF))
    store.delete_run(run.id)
    assert store.needless_checkpoints(SHELF) == [checkpoint(run.id, 1).path]


def forked(store: Store, parent_id: str, epoch: int, epochs: int = 9) -> Run:
    return store.fork(parent_id, epoch, NewRun(config={"seed": 1}, epochs_planned=epochs, name="fork"), words="Forked.")


def test_a_fork_begins_with_its_parents_records_up_to_the_epoch(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, started())
    for epoch, accuracy in enumerate([0.3, 0.7, 0.6, 0.9]):
        store.append(run.id, worker_id, progressed(epoch))  # so that numbers have gaps
        store.append(run.id, worker_id, epoch_kept(run.id, epoch, *range(epoch + 1), accuracy=accuracy))
    fork = forked(store, run.id, 2)
    assert (fork.parent_id, fork.parent_epoch, fork.state, fork.name) == (run.id, 2, "queued", "fork")
    assert (fork.epochs_done, fork.epochs_planned, fork.neurons) == (3, 9, 13)
    assert (fork.test_accuracy, fork.best_test_accuracy) == (0.6, 0.7)
    assert fork.frozen_fraction == pytest.approx(4 / 13) and fork.device is None
    assert store.checkpoints(fork.id) == [checkpoint(run.id, 2)] and fork.can_resume
    said = store.events_after(fork.id, 0)
    assert [(event.seq, event.kind) for event in said] == [
        (1, "run_started"),
        (2, "epoch_finished"),
        (3, "epoch_finished"),
        (4, "epoch_finished"),
        (5, "logged"),
    ]
    assert said[0].payload["epochs"] == 9 and store.layers(fork.id) == store.layers(run.id)
    parents = store.epochs_after(run.id)[:3]
    assert [event.payload for event in store.epochs_after(fork.id)] == [event.payload for event in parents]
    assert [event.at for event in store.epochs_after(fork.id)] == [event.at for event in parents]
    for layer in (0, 1):
        for field in ("phi", "velocity", "frozen", "applied"):
            mine = store.layer_history(fork.id, layer, field)  # type: ignore[arg-type]
            theirs = store.layer_history(run.id, layer, field, 0, 3)  # type: ignore[arg-type]
            assert list(mine.epochs) == [0, 1, 2]
            np.testing.assert_array_equal(mine.values, theirs.values)
    assert store.frozen_sparkline([fork.id])[fork.id] == store.frozen_sparkline([run.id])[run.id][:3]


def test_a_fork_records_on_from_there_and_leaves_its_parent_alone(store: Store, worker_id: str, run: Run) -> None:
    trained(store, worker_id, run, 2)
    before = (store.run(run.id), store.events_after(run.id, 0))
    fork = forked(store, run.id, 1)
    claimed = store.claim(worker_id, SHELF)
    assert claimed is not None and claimed.id == fork.id
    assert store.append(fork.id, worker_id, epoch_kept(fork.id, 2)) == 5
    assert [event.seq for event in store.epochs_after(fork.id)] == [2, 3, 5]
    assert (store.run(run.id), store.events_after(run.id, 0)) == before


def test_a_checkpoint_stays_while_a_fork_needs_it(store: Store, worker_id: str, run: Run) -> None:
    trained(store, worker_id, run, 2)
    store.checkpoints_deleted(store.needless_checkpoints(SHELF))
    fork = forked(store, run.id, 1)
    store.append(run.id, worker_id, epoch_kept(run.id, 2))
    store.append(run.id, worker_id, ended())
    store.delete_run(run.id)
    assert store.needless_checkpoints(SHELF) == [checkpoint(run.id, 2).path]
    assert (store.run(fork.id).parent_id, store.layers(fork.id)[0]["name"]) == (run.id, "layer0")
    store.claim(worker_id, SHELF)
    store.append(fork.id, worker_id, epoch_kept(fork.id, 2))
    assert store.needless_checkpoints(SHELF) == [checkpoint(run.id, 1).path, checkpoint(run.id, 2).path]


def test_a_fork_of_a_checkpoint_that_is_not_kept_names_those_that_are(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, started())
    store.append(run.id, worker_id, epoch_kept(run.id, 0))
    store.append(run.id, worker_id, epoch_kept(run.id, 1, 0, 1))
    store.append(run.id, worker_id, epoch_kept(run.id, 2, 0, 2))
    with pytest.raises(UnknownCheckpoint, match=r"epoch 1 .* choose one of 0, 2"):
        forked(store, run.id, 1)
    with pytest.raises(UnknownRun):
        forked(store, "nosuchrun1", 1)
    assert len(store.runs().items) == 1, "nothing of the fork is left"


def test_an_epoch_with_a_checkpoint_waits_for_the_disk_and_other_entries_do_not(tmp_path: Path) -> None:
    """On SQLite; PostgreSQL waits always. 1 is NORMAL, 2 is FULL."""
    store = Store.open(f"sqlite:///{tmp_path / 'neq.db'}")
    worker = store.register_worker(**WORKER).id
    store.create_run(config={}, epochs_planned=1)
    run = store.claim(worker)
    assert run is not None
    levels: list[int] = []

    @listens_for(store._database.engine, "commit")
    def note(connection: Connection) -> None:
        raw: Any = connection.connection.driver_connection
        levels.append(raw.execute("PRAGMA synchronous").fetchone()[0])

    for entry in (started(), epoch_kept(run.id, 0), progressed(1)):
        store.append(run.id, worker, entry)
    assert levels == [1, 2, 1]
    store.close()
