"""What runs say: numbered by their one writer, whole or not at all, read from a cursor."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from db import EventRecord, EventRefused, Run, RunLost, Store, UnknownWorker
from tests.db.making import WORKER, ended, epoch_finished, logged, now, progressed, row, started


def test_events_are_numbered_from_one_and_read_after_any_of_them(store: Store, worker_id: str, run: Run) -> None:
    numbers = [store.append(run.id, worker_id, logged(str(i))) for i in range(5)]
    assert numbers == [1, 2, 3, 4, 5]
    assert [event.payload["text"] for event in store.events_after(run.id, 2)] == ["2", "3", "4"]
    assert [event.seq for event in store.events_after(run.id, 1, limit=2)] == [2, 3]
    assert store.events_after(run.id, 5) == [] == store.events_after("nosuchrun1", 0)


def test_an_event_comes_back_as_it_was_given(store: Store, worker_id: str, run: Run) -> None:
    at = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    payload = {"kind": "logged", "text": "é \x00 \ud800 😀", "b": [1, 2.5e-300, None, True], "a": {}}
    store.append(run.id, worker_id, EventRecord(kind="logged", payload=payload, at=at))
    event = store.events_after(run.id, 0)[0]
    assert (event.payload, list(event.payload), event.at) == (payload, list(payload), at)
    assert event.at.tzinfo is UTC


def test_a_time_without_a_zone_is_refused(store: Store, worker_id: str, run: Run) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(Exception, match="has no time zone"):
        store.append(run.id, worker_id, replace(logged("x"), at=naive))
    assert store.run(run.id).last_seq == 0


def test_numbers_that_are_not_finite_are_stored_as_none(store: Store, worker_id: str, run: Run) -> None:
    payload = {"kind": "logged", "loss": float("nan"), "list": [float("inf"), 1.0]}
    store.append(run.id, worker_id, EventRecord(kind="logged", payload=payload, at=now()))
    assert store.events_after(run.id, 0)[0].payload == {"kind": "logged", "loss": None, "list": [None, 1.0]}


def test_a_sign_of_life_replaces_the_one_before_and_numbers_still_rise(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, started())
    for batch in range(10):
        store.append(run.id, worker_id, progressed(batch))
    assert [(event.seq, event.kind) for event in store.events_after(run.id, 0)] == [
        (1, "run_started"),
        (11, "epoch_progressed"),
    ]
    store.append(run.id, worker_id, epoch_finished(0))
    assert [event.seq for event in store.events_after(run.id, 0)] == [1, 12]
    store.append(run.id, worker_id, progressed(0))
    store.append(run.id, worker_id, ended("stopped"))
    assert [event.seq for event in store.events_after(run.id, 0)] == [1, 12, 14]


def test_epochs_are_read_with_or_without_their_columns(store: Store, worker_id: str, run: Run) -> None:
    for entry in (started(), epoch_finished(0), logged("x"), epoch_finished(1)):
        store.append(run.id, worker_id, entry)
    assert [event.payload["layers"] for event in store.epochs_after(run.id)] == [
        {"frozen": [0, 0]},
        {"frozen": [1, 1]},
    ]
    assert [event.payload for event in store.epochs_after(run.id, 2, layers=False)] == [
        {"kind": "epoch_finished", "epoch": 1}
    ]
    assert store.events_after(run.id, 1)[0].payload["layers"] == {"frozen": [0, 0]}
    assert store.layers(run.id)[1] == {"index": 1, "name": "layer1", "neurons": 3}


def test_stored_texts_parse_to_what_events_say(store: Store, worker_id: str, run: Run) -> None:
    odd = {"kind": "logged", "text": "é \x00 \ud800 😀", "empty": {}}
    for entry in (started(), epoch_finished(0), EventRecord(kind="logged", payload=odd, at=now()), epoch_finished(1)):
        store.append(run.id, worker_id, entry)
    store.append(run.id, worker_id, EventRecord(kind="epoch_finished", payload={"layers": {"frozen": [1]}}, at=now()))
    events, texts = store.events_after(run.id, 0), store.texts_after(run.id)
    assert [json.loads(text.text) for text in texts] == [event.payload for event in events]
    assert [(text.seq, text.at, text.kind) for text in texts] == [(e.seq, e.at, e.kind) for e in events]
    (bare,) = store.texts_after(run.id, 2, kinds=("epoch_finished",), layers=False, limit=1)
    assert json.loads(bare.text) == {"kind": "epoch_finished", "epoch": 1}


def test_the_newest_events_are_read_backwards_but_told_in_order(store: Store, worker_id: str, run: Run) -> None:
    for number in range(6):
        store.append(run.id, worker_id, logged(str(number)))
    newest = store.events_after(run.id, 0, 2, newest=True)
    assert [event.seq for event in newest] == [5, 6]
    assert [event.seq for event in store.events_after(run.id, 2, 9, newest=True, before=5)] == [3, 4]
    assert [event.seq for event in store.events_after(run.id, 0, 3, before=3)] == [1, 2]


def test_epochs_are_known_by_the_numbers_of_their_events(store: Store, worker_id: str, run: Run) -> None:
    for entry in (started(), epoch_finished(0), logged("x"), epoch_finished(1), epoch_finished(2)):
        store.append(run.id, worker_id, entry)
    assert store.epoch_seqs(run.id) == [(0, 2), (1, 4), (2, 5)]
    assert store.epoch_seqs(run.id, 1, 2) == [(1, 4)] and store.epoch_seqs(run.id, among=[5, 2, 9]) == [(0, 2), (2, 5)]


@pytest.mark.parametrize(
    "layers",
    [
        {"frozen": [3], "velocity_histogram": [[1, 2], None]},
        {"frozen": [3], "velocity_histogram": [None], "more": [{"velocity_histogram": [7]}]},
        {"velocity_histogram": [[1]], "frozen": [3]},
        {"velocity_histogram": [[1]]},
        {"frozen": [3]},
    ],
)
def test_columns_without_histograms_are_the_others_whatever_their_order(
    store: Store, worker_id: str, run: Run, layers: dict[str, object]
) -> None:
    store.append(run.id, worker_id, EventRecord(kind="epoch_finished", payload={"layers": layers}, at=now()))
    rest = {name: value for name, value in layers.items() if name != "velocity_histogram"}
    assert store.epoch_columns(run.id, [1, 2]) == {1: rest}
    assert store.epoch_columns(run.id, [1], histograms=True) == {1: layers}


def test_events_of_some_kinds_alone_can_be_asked_for(store: Store, worker_id: str, run: Run) -> None:
    for entry in (started(), logged("a"), epoch_finished(0), logged("b")):
        store.append(run.id, worker_id, entry)
    assert [event.seq for event in store.events_after(run.id, 0, kinds=("logged",))] == [2, 4]
    assert [event.seq for event in store.events_after(run.id, 2, kinds=("logged", "epoch_finished"))] == [3, 4]


@pytest.mark.parametrize(
    "wrong",
    [
        (row(1, 0), row(1, 0)),  # twice the same layer
        (row(1, 0), replace(row(1, 1), phi=b"1234")),  # φ of one neuron where there are three
        (row(1, 0), replace(row(1, 1), frozen=b"")),
    ],
)
def test_an_entry_whose_snapshots_are_refused_leaves_nothing(
    store: Store, worker_id: str, run: Run, wrong: tuple[object, ...]
) -> None:
    store.append(run.id, worker_id, epoch_finished(0))
    store.append(run.id, worker_id, progressed(1))
    before, events = store.run(run.id), store.events_after(run.id, 0)
    with pytest.raises(EventRefused):
        store.append(run.id, worker_id, epoch_finished(1, snapshots=wrong))  # type: ignore[arg-type]
    assert (store.run(run.id), store.events_after(run.id, 0)) == (before, events)
    assert store.snapshots_at(run.id, 1, [0, 1]) == [] and list(store.frozen_counts(run.id)[0]) == [0]
    assert store.append(run.id, worker_id, epoch_finished(1)) == 3, "the number was not used up"


def test_an_epoch_is_not_recorded_twice(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, epoch_finished(0))
    with pytest.raises(EventRefused):
        store.append(run.id, worker_id, epoch_finished(0))


def test_another_worker_cannot_speak_for_a_run(store: Store, run: Run) -> None:
    other = store.register_worker(**WORKER).id
    with pytest.raises(RunLost, match="no longer run by worker"):
        store.append(run.id, other, logged("x"))
    with pytest.raises(RunLost):
        store.heartbeat(run.id, other)
    assert store.run(run.id).last_seq == 0


def test_a_worker_that_fell_silent_loses_its_run_for_good(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, progressed(3))
    assert store.requeue_silent(60) == {}
    assert store.requeue_silent(-1) == {run.id: "queued"}
    queued = store.run(run.id)
    assert (queued.state, queued.writer_id, queued.progress, queued.ended_at) == ("queued", None, None, None)
    requeued, told = store.events_after(run.id, 0)
    assert requeued.kind == "run_requeued" and set(requeued.payload) == {
        "kind",
        "reason",
        "epochs",
        "interruptions",
        "heard_at",
    }
    assert told.payload["level"] == "warning" and "sent no heartbeat" in told.payload["text"]
    with pytest.raises(RunLost):
        store.append(run.id, worker_id, logged("I was only asleep"))
    assert store.requeue_silent(-1) == {}


def test_an_entry_is_a_heartbeat_too(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, logged("x"))
    after_entry = store.run(run.id).heartbeat_at
    store.heartbeat(run.id, worker_id)
    after_touch = store.run(run.id).heartbeat_at
    assert run.heartbeat_at is not None and after_entry is not None and after_touch is not None
    assert run.heartbeat_at < after_entry < after_touch


def test_a_forgotten_worker_is_told_so(store: Store, worker_id: str) -> None:
    store.forget_worker(worker_id)
    with pytest.raises(UnknownWorker):
        store.worker_alive(worker_id)
