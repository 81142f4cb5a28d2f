"""A run as server-sent events, read by a real client from a real server."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.server.recording import Recording

pytestmark = pytest.mark.slow


@dataclass
class Told:
    """One event of a stream."""

    id: str = ""
    event: str = ""
    data: str = ""


def told(lines: Iterator[str]) -> Iterator[Told]:
    """The stream's events, until it ends."""
    now = Told()
    for line in lines:
        if not line:
            if now.event:
                yield now
            now = Told()
            continue
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            setattr(now, name, value)


def listen(address: str, run_id: str, last: str | None = None, query: str = "") -> list[Told]:
    """All that a stream tells until the server ends it."""
    headers = {} if last is None else {"Last-Event-ID": last}
    url = f"{address}/api/v1/runs/{run_id}/events{query}"
    with httpx.stream("GET", url, headers=headers, timeout=20) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        return list(told(stream.iter_lines()))


def test_a_stream_tells_all_and_ends_with_the_run(address: str, recording: Recording) -> None:
    def go_on() -> None:
        recording.epoch()
        recording.finish()

    heard: list[Told] = []
    with httpx.stream("GET", f"{address}/api/v1/runs/{recording.id}/events?former_names=false", timeout=20) as stream:
        events = told(stream.iter_lines())
        heard += [next(events) for _ in range(5)]  # what there is; what follows is live
        writing = threading.Thread(target=go_on)
        writing.start()
        heard += events
        writing.join()
    assert [each.id for each in heard[:-1]] == [str(seq) for seq in range(1, 8)]
    assert [each.event for each in heard[4:]] == ["epoch_finished", "epoch_finished", "run_finished", "end"]
    stored = recording.store.events_after(recording.id, 0)
    assert [json.loads(each.data) for each in heard[:-1]] == [each.payload for each in stored]


def test_a_stream_goes_on_after_the_last_event_that_was_heard(address: str, recording: Recording) -> None:
    recording.finish()
    assert [each.id for each in listen(address, recording.id, last="4")[:-1]] == ["5", "6"]
    assert [each.id for each in listen(address, recording.id, query="?after=5")[:-1]] == ["6"]
    assert [each.event for each in listen(address, recording.id, last="6")] == ["end"]
    assert len(listen(address, recording.id, last="odd")) == 7


def test_a_long_run_that_has_ended_is_told_whole(
    address: str, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording.finish()
    monkeypatch.setattr("server.routes.events.EVENTS_AT_ONCE", 2)
    assert [each.id for each in listen(address, recording.id)[:-1]] == [str(seq) for seq in range(1, 7)]


def test_an_unknown_run_is_a_404_before_any_stream(address: str) -> None:
    answer = httpx.get(f"{address}/api/v1/runs/nothing/events")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


def test_a_stream_ends_when_its_run_is_deleted(address: str, recording: Recording) -> None:
    queued = recording.store.create_run(config={}, epochs_planned=1, name="short")
    with httpx.stream("GET", f"{address}/api/v1/runs/{queued.id}/events", timeout=20) as stream:
        recording.store.delete_run(queued.id)
        assert [each.event for each in told(stream.iter_lines())] == ["end"]
