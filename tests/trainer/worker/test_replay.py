"""A replay tells a recorded run again, through the door of a worker, and is the run's only worker for ever."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contract.events import EpochFinished, Event, RunFinished, RunStopped
from contract.runfile import Moment, RunFile, RunFileBroken, RunHeader, run_file_chunks
from db import RunLost, Store
from tests.contract.telling import header, moments, told
from tests.postgres import postgres_server_url, postgres_url
from tests.stores import empty_store
from trainer.worker.replay import begin_replay

__all__ = ["postgres_server_url", "postgres_url"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    sqlite = request.param == "sqlite"
    store = empty_store(f"sqlite:///{tmp_path / 'neq.db'}" if sqlite else request.getfixturevalue("postgres_url"))
    yield store
    store.close()


def written(folder: Path, told: list[Moment], run: RunHeader | None = None) -> Path:
    path = folder / "run.neq"
    path.write_bytes(b"".join(run_file_chunks(run or header(), told)))
    return path


def played(store: Store, path: Path, speed: float | None = None, name: str | None = None) -> tuple[str, Event]:
    with RunFile.open(path) as file:
        replay = begin_replay(store, file.header, name)
        return replay.run.id, replay.play(file, speed=speed, stop=threading.Event())


def test_a_replayed_run_holds_what_the_recorded_one_held(store: Store, tmp_path: Path) -> None:
    run_id, end = played(store, written(tmp_path, list(moments())))
    run = store.run(run_id)
    assert isinstance(end, RunFinished) and (run.state, run.epochs_done, run.device) == ("finished", 3, "CPU")
    assert (run.name, run.tags) == ("told · by hand", ("one", "two", "replay"))
    assert run.notes == "two\nlines\n\nReplay of run abcdefghij."
    assert [event.payload for event in store.events_after(run_id, 0)] == [
        event.model_dump(mode="json") for event in told()
    ]
    for layer in range(2):
        for event in told():
            if not isinstance(event, EpochFinished):
                continue
            (mine,) = store.snapshots_at(run_id, event.epoch, [layer])
            recorded = event.snapshots[layer]
            assert (mine.divergence, mine.velocity) == (recorded.divergence, recorded.velocity)
            assert (mine.applied, mine.frozen) == (recorded.applied, recorded.frozen)
    assert store.workers() == [], "its worker has signed off"


def test_no_worker_can_take_a_replay(store: Store, tmp_path: Path) -> None:
    with RunFile.open(written(tmp_path, list(moments()))) as file:
        replay = begin_replay(store, file.header, "mine")
    assert replay.run.state == "running" and replay.run.name == "mine"
    other = store.register_worker(name="w", host="h", pid=1, device="cpu", slots=1)
    assert store.claim(other.id) is None
    store.requeue_silent(-1)  # the replay was killed: back to the queue it goes, where nobody may train it
    assert store.claim(other.id) is None and store.claim(other.id, "checkpoint_store") is None


def test_a_replay_that_is_taken_for_dead_says_no_more(store: Store, tmp_path: Path) -> None:
    with RunFile.open(written(tmp_path, list(moments()))) as file:
        replay = begin_replay(store, file.header)
        store.requeue_silent(-1)
        with pytest.raises(RunLost):
            replay.play(file, speed=None, stop=threading.Event())
    assert store.run(replay.run.id).epochs_done == 0


def test_a_stop_that_is_asked_for_ends_the_replay_within_an_epoch(store: Store, tmp_path: Path) -> None:
    with RunFile.open(written(tmp_path, list(moments()))) as file:
        replay = begin_replay(store, file.header)

        def stop_after_the_start(event: Event) -> None:
            if event.kind == "run_started":
                store.request_stop(replay.run.id)

        end = replay.play(file, speed=1e-3, stop=threading.Event(), told=stop_after_the_start)  # epochs of 1,000 s
    assert end == RunStopped(epochs=0, reason="It was stopped on request.")
    assert store.run(replay.run.id).state == "stopped"


def test_an_interrupted_replay_is_stopped(store: Store, tmp_path: Path) -> None:
    stop = threading.Event()
    with RunFile.open(written(tmp_path, list(moments()))) as file:
        replay = begin_replay(store, file.header)
        end = replay.play(file, speed=None, stop=stop, told=lambda e: stop.set() if "epoch" in e.kind else None)
    assert end == RunStopped(epochs=1, reason="The replay was interrupted.")
    assert (store.run(replay.run.id).state, store.run(replay.run.id).epochs_done) == ("stopped", 1)


def test_epochs_take_their_recorded_time_divided_by_the_speed(store: Store, tmp_path: Path) -> None:
    run_id, _ = played(store, written(tmp_path, list(moments())), speed=10)  # three epochs of 1 s
    at = [event.at for event in store.epochs_after(run_id)]
    assert 0.15 < (at[-1] - at[0]).total_seconds() < 5


def test_a_recording_of_a_run_that_went_on_after_its_end_is_played_to_the_last_end(
    store: Store, tmp_path: Path
) -> None:
    start, first, log, *rest = moments()
    stopped = Moment(4, log.at, '{"kind":"run_stopped","epochs":1,"reason":"asked"}')
    run_id, end = played(store, written(tmp_path, [start, first, stopped, log, *rest]))
    assert isinstance(end, RunFinished) and store.run(run_id).epochs_done == 3


def test_a_recording_without_an_end_is_stopped_where_it_ends(store: Store, tmp_path: Path) -> None:
    _, end = played(store, written(tmp_path, list(moments())[:4]))
    assert end == RunStopped(epochs=2, reason="The recording ends here.")


def test_a_damaged_recording_fails_its_run_and_says_so(store: Store, tmp_path: Path) -> None:
    start, first, _, second, *_ = moments()
    twice = Moment(first.seq, second.at, second.text, second.snapshots)
    with RunFile.open(written(tmp_path, [start, first, twice])) as file:
        replay = begin_replay(store, file.header)
        with pytest.raises(RunFileBroken):
            replay.play(file, speed=None, stop=threading.Event())
    run = store.run(replay.run.id)
    assert run.state == "failed" and "damaged" in (run.reason or "") and run.epochs_done == 1
    assert np.array_equal(store.frozen_counts(run.id)[0], [0])
