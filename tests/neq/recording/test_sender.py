"""What a run says reaches the store once and in order, whatever server and network do meanwhile."""

import random
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import neq
from neq.recording import sender
from neq.recording.sync import sync
from tests.neq.recording.stub_server import Store, StoredRun, serving, until

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "SHORTEST_PAUSE", 0.01)
    monkeypatch.setattr(sender, "LONGEST_PAUSE", 0.1)
    monkeypatch.setattr("neq.recording.recorder.PART_SECONDS", 0.02)
    monkeypatch.setattr("neq.recording.recorder.POLL_SECONDS", 0.01)


def log_slowly(run: neq.Run, count: int) -> None:
    """Some parts' worth of numbers."""
    for number in range(count):
        run.log({"number": number})
        time.sleep(0.005)


def has_all(stored: StoredRun, count: int) -> bool:
    return stored.points("number") == [(number, None, float(number)) for number in range(count)]


def test_every_number_is_stored_once_though_the_server_is_started_again_and_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(store) as url:
        port = int(url.rpartition(":")[2])
        run = neq.init(url=url)
    over = threading.Event()

    def restart() -> None:
        for pause in range(20):
            with serving(store, port):
                time.sleep(0.01 * (pause % 4))
        with serving(store, port):
            over.wait()

    server = threading.Thread(target=restart)
    server.start()
    try:
        log_slowly(run, 200)
        run.finish()
    finally:
        over.set()
        server.join()
    assert has_all(store.run, 200)
    assert store.run.kinds[-1] == "run_finished"


@pytest.mark.parametrize("fault", ["refuses", "loses answers", "is asked twice", "is slow", "all of it"])
def test_every_number_is_stored_once_though_the_network_fails(server: str, store: Store, fault: str) -> None:
    chance = random.Random(7)
    run = neq.init()
    every = fault == "all of it"
    if fault == "refuses" or every:
        store.misbehave = lambda number: chance.choice([503, 500, 429, 502]) if chance.random() < 0.5 else None
    if fault == "loses answers" or every:
        store.lose_answers = lambda number: chance.random() < 0.4
    store.repeat = fault == "is asked twice" or every
    if fault == "is slow":
        store.misbehave = lambda number: time.sleep(0.1)
    log_slowly(run, 100)
    run.finish()
    assert has_all(store.run, 100)


def test_the_server_is_given_the_time_that_it_asks_for(server: str, store: Store) -> None:
    run = neq.init()
    until(lambda: store.run.kinds == ["run_started"])
    times: list[float] = []
    store.retry_after = "1"

    def refuse_once(number: int) -> int | None:
        times.append(time.monotonic())
        return 429 if len(times) == 1 else None

    store.misbehave = refuse_once
    run.log({"number": 0})
    until(lambda: len(times) > 1)
    run.finish()
    assert times[1] - times[0] >= 0.99


def test_a_store_that_lost_the_newest_part_gets_it_again(server: str, store: Store) -> None:
    run = neq.init()
    until(lambda: store.run.kinds == ["run_started"])
    store.lose_answers = lambda number: True  # taken, and its sender does not know
    run.log({"number": 0})
    until(lambda: len(store.run.lines) == 2)
    with store.lock:
        store.lose_answers = lambda number: False
        del store.run.lines[1:]
    run.log({"number": 1})
    run.finish()
    assert [value for *_, value in store.run.points("number")] == [0.0, 1.0]


def test_a_store_that_was_set_back_is_told_apart_and_nothing_is_sent_into_the_gap(server: str, store: Store) -> None:
    run = neq.init()
    run.log({"number": 0})
    until(lambda: len(store.run.lines) == 2)
    with store.lock:
        store.run.lines.clear()
    with warned("set back to an older state"):
        run.log({"number": 1})
        run.finish()
    assert store.run.lines == []


@contextmanager
def warned(says: str) -> Iterator[None]:
    """One warning comes of it."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    found = [str(one.message) for one in told if issubclass(one.category, neq.NEqRecordingWarning)]
    assert len(found) == 1 and says in found[0], found


def _end_it(store: Store) -> None:
    store.run.lines.append({"seq": store.run.last_seq + 1, "event": {"kind": "run_failed"}})
    del store.run.lines[-2]
    store.run.lines[-1]["seq"] = store.run.last_seq


def _take_it(store: Store) -> None:
    store.run.writer = "f" * 32


def _delete_it(store: Store) -> None:
    store.runs.clear()


def _change_the_token(store: Store) -> None:
    store.token = "another"


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (_end_it, "has ended: start another one"),
        (_take_it, "another process records it"),
        (_delete_it, "was deleted"),
        (_change_the_token, "set NEQ_TOKEN"),
    ],
)
def test_a_server_that_takes_no_more_is_told_of_once_and_the_folder_kept(
    server: str, store: Store, spool: Path, what: object, says: str
) -> None:
    run = neq.init()
    until(lambda: store.run.kinds == ["run_started"])
    with store.lock:
        what(store)  # type: ignore[operator]
    with warned(says):
        began = time.monotonic()
        log_slowly(run, 20)
        run.finish()
    assert time.monotonic() - began < 3
    assert list((spool / str(run.id)).glob("*.part"))


def test_what_was_kept_when_the_token_changed_is_sent_with_the_right_one(
    server: str, store: Store, spool: Path
) -> None:
    run = neq.init()
    until(lambda: store.run.kinds == ["run_started"])
    store.token = "another"
    with warned("NEQ_TOKEN"):
        log_slowly(run, 20)
        run.finish()
    (first,) = sync(spool, server)
    assert not first.done and "NEQ_TOKEN" in first.what
    (second,) = sync(spool, server, "another")
    assert second.done
    assert has_all(store.run, 20)


def test_a_server_that_refuses_the_run_is_named_and_the_run_recorded(server: str, store: Store, spool: Path) -> None:
    store.token = "another"
    with warned("does not take the run (the token is wrong): the server asks for another token: set NEQ_TOKEN"):
        run = neq.init()
        run.log({"number": 0})
        run.finish()
    (synced,) = sync(spool, server, "another")
    assert synced.done and has_all(store.run, 1)


def test_what_is_not_sent_within_the_time_is_said_and_left(
    server: str, store: Store, spool: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("neq.recording.recording.FINISH_SECONDS", 1.0)
    run = neq.init()
    until(lambda: store.run.kinds == ["run_started"])
    store.misbehave = lambda number: 503
    run.log({"number": 0})
    began = time.monotonic()
    run.finish()
    assert 1.0 <= time.monotonic() - began < 2.5
    folder = spool / str(run.id)
    said = capsys.readouterr().err
    assert f"neq sync {folder}" in said and "NEq: sending [" in said
    assert not [thread for thread in threading.enumerate() if thread.name == "neq-recorder"]
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "neq-sender"])
    store.misbehave = lambda number: None
    (synced,) = sync(spool, server)
    assert synced.done and has_all(store.run, 1)


def test_signs_of_life_are_sent_while_nothing_happens(
    server: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "HEARTBEAT_SECONDS", 0.02)
    with neq.init():
        until(lambda: store.run.heartbeats >= 3)


def test_the_training_does_not_wait_for_a_server_that_answers_late(server: str, store: Store) -> None:
    run = neq.init()
    store.misbehave = lambda number: time.sleep(0.5)
    slowest = 0.0
    for number in range(300):
        began = time.perf_counter()
        run.log({"number": number})
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 0.2
    run.finish()
    assert has_all(store.run, 300)
