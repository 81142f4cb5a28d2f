"""The live socket, over a real uvicorn and with a real WebSocket client."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from fastapi import FastAPI

from contract.events import EpochFinished, parse_event
from db import Store
from server.app import create_app
from server.live.batches import Batch, read_batch, read_run
from server.live.viewer import Subscription
from server.schemas import Run
from server.settings import ServerSettings
from tests.server.recording import Recording
from tests.server.serving import SECONDS, Browser, browser, serving

pytestmark = pytest.mark.slow


def display(address: str, run_id: str, layer: int, epoch: int) -> bytes:
    path = f"/api/v1/runs/{run_id}/layers/{layer}/display?epochs={epoch}:{epoch + 1}"
    return httpx.get(address + path).content


def caught_up(seq: int) -> Callable[[Browser], bool]:
    """The events up to a number have been heard."""
    return lambda tab: tab.last_seq >= seq


def subscriptions(app: FastAPI) -> list[Subscription]:
    """Those of all tabs."""
    return [each for viewer in list(app.state.live._viewers) for each in viewer.subscriptions.values()]


async def served_by_the_tail(app: FastAPI, tabs: int) -> None:
    """Waits until so many tabs have caught up."""
    async with asyncio.timeout(SECONDS):
        while sum(each.live for each in subscriptions(app)) < tabs:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_a_tab_catches_up_from_its_cursor_and_goes_on_live(address: str, recording: Recording) -> None:
    async def scene() -> None:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=2, layers=[0, 2])
            await tab.hear_until(caught_up(5))
            assert tab.heard[0]["type"] == "hello"  # type: ignore[index]
            newest = 0
            for _ in range(3):
                newest = await asyncio.to_thread(recording.epoch)
                await tab.hear_until(caught_up(newest))
            await tab.hear_until(lambda tab: len(tab.frames) == 6)
            assert tab.seqs == [3, 4, 5, 6, 7, 8]
            assert [frame.header["epoch"] for frame in tab.frames] == [1, 2, 3, 4, 5, 6]
            for frame in tab.frames:
                assert frame.header["seq"] == frame.header["epoch"] + 2
                assert frame.header["layers"] == [[0, 5], [2, 3]]
                for layer, cells in frame.layers.items():
                    assert cells == display(address, recording.id, layer, frame.header["epoch"])

    asyncio.run(scene())


def test_a_frame_follows_right_after_the_message_with_its_epoch(address: str, recording: Recording) -> None:
    async def scene() -> None:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=5, layers="all")
            await tab.hear_until(lambda tab: bool(tab.of("run")))
            await asyncio.sleep(0.2)
            await asyncio.to_thread(recording.epoch)
            await tab.hear_until(lambda tab: bool(tab.frames))
            place = next(i for i, each in enumerate(tab.heard) if isinstance(each, dict) and each["type"] == "events")
            assert tab.heard[place + 1] is tab.frames[0]
            assert sorted(tab.frames[0].layers) == [0, 1, 2]

    asyncio.run(scene())


def with_former_names(payload: dict[str, Any]) -> dict[str, Any]:
    """As it is answered for one release."""
    names = {"frozen_fraction", "applied_fraction", "beyond_fraction"} & payload.keys()
    return payload | {name.replace("fraction", "share"): payload[name] for name in names}


def test_live_events_are_the_recorded_ones_whole(address: str, recording: Recording) -> None:
    async def scene() -> None:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=0, layers=[])
            await tab.hear_until(caught_up(5))
            events = [event for message in tab.of("events") for event in message["events"]]
            stored = recording.store.events_after(recording.id, 0)
            assert [each["event"] for each in events] == [with_former_names(each.payload) for each in stored]
            assert isinstance(parse_event(events[-1]["event"]), EpochFinished)
            assert not tab.frames

    asyncio.run(scene())


def test_coming_back_with_a_cursor_loses_nothing_and_repeats_nothing(address: str, recording: Recording) -> None:
    async def scene() -> None:
        seen: list[int] = []
        epochs = asyncio.to_thread(lambda: [recording.epoch() for _ in range(60)])
        async with asyncio.TaskGroup() as group:
            group.create_task(epochs)
            await tail(seen)
        assert seen == list(range(1, 66))

    async def tail(seen: list[int]) -> None:
        while not seen or seen[-1] < 65:
            async with browser(address) as tab:
                await tab.say("subscribe", run=recording.id, after=seen[-1] if seen else 0, layers=[1])
                start = seen[-1] if seen else 0
                await tab.hear_until(caught_up(min(65, start + 7)))
                seen += tab.seqs

    asyncio.run(scene())


def test_subscribing_again_replaces_layers_and_cursor(address: str, recording: Recording) -> None:
    async def scene() -> None:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=5, layers=[0])
            await tab.hear_until(lambda tab: bool(tab.of("run")))
            await tab.say("subscribe", run=recording.id, after=4, layers=[1])
            await tab.hear_until(lambda tab: bool(tab.frames))
            await asyncio.to_thread(recording.epoch)
            await tab.hear_until(lambda tab: len(tab.frames) == 2)
            assert tab.seqs == [5, 6]
            assert [sorted(frame.layers) for frame in tab.frames] == [[1], [1]]

    asyncio.run(scene())


def test_after_unsubscribing_nothing_comes(address: str, recording: Recording) -> None:
    async def scene() -> None:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=5, layers="all")
            await tab.hear_until(lambda tab: bool(tab.of("run")))
            await tab.say("unsubscribe", run=recording.id)
            await tab.say("nonsense")  # its answer tells that the word before was heard
            await tab.hear_until(lambda tab: bool(tab.of("error")))
            await asyncio.to_thread(recording.epoch)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await tab.hear_until(lambda tab: bool(tab.seqs))

    asyncio.run(scene())


def test_every_run_is_told_to_those_who_follow_all(address: str, recording: Recording) -> None:
    async def scene() -> None:
        async with browser(address) as tab, httpx.AsyncClient(base_url=address) as client:
            await tab.say("subscribe_runs")
            await tab.hear_until(lambda tab: bool(tab.of("run")))
            made = (await client.post("/api/v1/runs", json={"name": "new"})).json()
            await tab.hear_until(lambda tab: any(each["run"]["id"] == made["id"] for each in tab.of("run")))
            await client.post(f"/api/v1/runs/{made['id']}/stop")
            await tab.hear_until(lambda tab: tab.of("run")[-1]["run"]["state"] == "stopped")
            assert Run.model_validate(tab.of("run")[-1]["run"]).id == made["id"]
            await client.delete(f"/api/v1/runs/{made['id']}")
            await tab.hear_until(lambda tab: [each["run"] for each in tab.of("run_deleted")] == [made["id"]])

    asyncio.run(scene())


def test_a_change_of_the_run_is_told_with_its_events(address: str, recording: Recording) -> None:
    async def scene() -> None:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=5)
            await tab.hear_until(lambda tab: bool(tab.of("run")))
            await asyncio.to_thread(recording.progress, 4)
            await tab.hear_until(lambda tab: tab.of("run")[-1]["run"]["progress"] is not None)
            await tab.hear_until(lambda tab: bool(tab.of("events")))  # the run is read anew, and may be told first
            assert tab.of("events")[-1]["events"][0]["event"]["kind"] == "epoch_progressed"
            await asyncio.to_thread(recording.finish)
            await tab.hear_until(lambda tab: tab.of("run")[-1]["run"]["state"] == "finished")
            assert tab.last_seq == recording.run.last_seq

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{nope", "Not understood"),
        ("[]", "Not understood"),
        ('{"type": "obey"}', "Not understood"),
        ('{"type": "subscribe"}', "run"),
        ('{"type": "subscribe", "run": "nothing"}', "There is no run"),
        ('{"type": "subscribe", "run": "../../etc"}', "run"),
        ('{"type": "subscribe", "run": "RUN", "layers": [7]}', "no layer 7; it has 0 to 2"),
        ('{"type": "subscribe", "run": "RUN", "layers": [-1]}', "layers"),
        ('{"type": "subscribe", "run": "RUN", "after": 1e300}', "after"),
    ],
)
def test_what_is_not_understood_is_told_and_the_socket_stays(
    address: str, recording: Recording, text: str, words: str
) -> None:
    async def scene() -> None:
        async with browser(address) as tab:
            await tab.socket.send(text.replace("RUN", recording.id))
            await tab.hear_until(lambda tab: bool(tab.of("error")))
            assert words in tab.of("error")[0]["message"]
            await tab.socket.send(b"\x00bytes")
            await tab.hear_until(lambda tab: len(tab.of("error")) == 2)
            await tab.say("subscribe", run=recording.id, after=4)
            await tab.hear_until(caught_up(5))

    asyncio.run(scene())


def test_fifty_tabs_see_the_same_and_the_store_is_read_once_for_all(
    address: str, app: FastAPI, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    read = recording.store.texts_after
    monkeypatch.setattr(recording.store, "texts_after", lambda *a, **k: (reads.append(a[1]), read(*a, **k))[1])

    async def scene() -> None:
        async with asyncio.TaskGroup() as group:
            ready = asyncio.Barrier(51)
            tabs = [group.create_task(one(ready)) for _ in range(50)]
            await ready.wait()
            await served_by_the_tail(app, 50)
            reads.clear()
            for _ in range(3):
                await asyncio.to_thread(recording.epoch)
        assert [task.result() for task in tabs] == [[6, 7, 8]] * 50
        # Three epochs, once each at most, and at most one more look for each that found nothing new.
        assert 1 <= len(reads) <= 6

    async def one(ready: asyncio.Barrier) -> list[int]:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=5, layers="all")
            await tab.hear_until(lambda tab: bool(tab.of("run")))
            await ready.wait()
            await tab.hear_until(lambda tab: len(tab.frames) == 3)
            return tab.seqs

    asyncio.run(scene())


def test_a_tab_that_does_not_listen_is_closed_and_the_others_go_on(
    app: FastAPI, settings: ServerSettings, store: Store
) -> None:
    recording = Recording(store, (40_000,))
    recording.start()
    app.state.live.send_queue_bytes = 300_000

    async def scene(address: str) -> None:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64_000)
        narrow.connect(("127.0.0.1", int(address.rsplit(":", 1)[1])))
        async with browser(address, sock=narrow, max_queue=1, ping_interval=None) as deaf, browser(address) as tab:
            for each in (deaf, tab):
                await each.say("subscribe", run=recording.id, after=1, layers="all")
            await tab.hear_until(lambda tab: bool(tab.of("run")))
            await asyncio.sleep(0.3)
            newest = 0
            for _ in range(200):
                newest = await asyncio.to_thread(recording.epoch)
                await tab.hear_until(caught_up(newest))
                if len(app.state.live._viewers) == 1:
                    break
            assert len(app.state.live._viewers) == 1
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await deaf.hear_until(lambda _: False)
            assert closed.value.rcvd is None or closed.value.rcvd.code == 1013
            # What it got has no hole, so its cursor is good to come back with.
            assert deaf.seqs == list(range(2, deaf.last_seq + 1))
            async with browser(address) as back:
                await back.say("subscribe", run=recording.id, after=deaf.last_seq)
                await back.hear_until(caught_up(newest))
                assert back.seqs == list(range(deaf.last_seq + 1, newest + 1))

    with serving(app, settings) as address:
        asyncio.run(scene(address))


def test_open_sockets_and_streams_do_not_hold_up_the_end(
    app: FastAPI, settings: ServerSettings, recording: Recording
) -> None:
    leave = serving(app, settings)

    async def whole() -> float:
        address = leave.__enter__()
        async with browser(address) as tab, httpx.AsyncClient(base_url=address) as client:
            await tab.say("subscribe", run=recording.id, after=0, layers="all")
            await tab.hear_until(caught_up(5))
            async with client.stream("GET", f"/api/v1/runs/{recording.id}/events") as stream:
                await anext(stream.aiter_lines())
                began = time.monotonic()
                await asyncio.to_thread(leave.__exit__, None, None, None)
                return time.monotonic() - began

    assert asyncio.run(whole()) < 3


def test_a_lost_store_is_waited_for_and_nothing_is_lost(app: FastAPI, settings: ServerSettings, store: Store) -> None:
    recording = Recording(store)
    recording.start()
    folder = Path(settings.database_url.removeprefix("sqlite:///")).parent
    aside = folder.with_name("aside")

    def lose() -> None:
        folder.rename(aside)
        store.close()  # after it, for the files of connections that were opened meanwhile would be read on

    def restore() -> None:
        aside.rename(folder)

    async def scene(address: str) -> None:
        async with browser(address) as tab, httpx.AsyncClient(base_url=address + "/api/v1") as client:
            await tab.say("subscribe", run=recording.id, after=0, layers="all")
            await tab.hear_until(caught_up(1))
            await asyncio.to_thread(lose)
            health = await client.get("/health")
            assert (health.status_code, health.json()["status"]) == (200, "degraded")
            answer = await client.get("/runs")
            assert answer.status_code == 503
            assert "does not respond" in answer.json()["detail"]
            async with browser(address) as late:
                await late.say("subscribe", run=recording.id, after=0, layers="all")
                await asyncio.sleep(0.6)
                await asyncio.to_thread(restore)
                newest = await asyncio.to_thread(recording.epoch)
                for each in (tab, late):
                    await each.hear_until(caught_up(newest))
                    assert each.seqs == [1, 2]
            assert (await client.get("/health")).json()["status"] == "ok"

    with serving(app, settings) as address:
        asyncio.run(scene(address))


def test_a_tab_that_was_open_before_another_process_wrote_hears_of_it(
    address: str, settings: ServerSettings, recording: Recording
) -> None:
    other = Store.open(settings.database_url)

    async def scene() -> None:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=5)
            await tab.hear_until(lambda tab: bool(tab.of("run")))
            await asyncio.to_thread(other.describe_run, recording.id, name="renamed elsewhere")
            await tab.hear_until(lambda tab: tab.of("run")[-1]["run"]["name"] == "renamed elsewhere")

    try:
        asyncio.run(scene())
    finally:
        other.close()


def test_a_restarted_server_serves_the_same_cursor(settings: ServerSettings, recording: Recording) -> None:
    async def follow(address: str, after: int, until: int) -> list[int]:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=after)
            await tab.hear_until(caught_up(until))
            return tab.seqs

    seen: list[int] = []
    for until in (5, 8):
        while recording.run.last_seq < until:
            recording.epoch()
        with serving(create_app(recording.store, settings), settings) as address:
            seen += asyncio.run(follow(address, len(seen), until))
    assert seen == list(range(1, 9))


def test_an_event_between_the_last_look_back_and_going_live_is_not_lost(
    address: str, app: FastAPI, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[bool] = []

    def slow(*arguments: Any) -> Batch | None:
        batch = read_batch(*arguments)
        if not waited:
            waited.append(True)
            recording.epoch()
            while app.state.live._revisions.get(recording.id) != recording.run.revision:
                time.sleep(0.02)  # the tail tells this epoch now, to those who are live
            time.sleep(0.3)
        return batch

    async def scene() -> None:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=0, layers=[1])
            await tab.hear_until(lambda tab: len(tab.frames) == 5)
            assert tab.seqs == [1, 2, 3, 4, 5, 6]

    monkeypatch.setattr("server.live.catching_up.read_batch", slow)
    asyncio.run(scene())


def test_a_run_that_cannot_be_read_keeps_no_other_from_being_told(
    address: str, store: Store, recording: Recording, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Recording(store)

    def read(store: Store, run_id: str) -> str:
        if run_id == broken.id:
            raise KeyError("kind")
        return read_run(store, run_id)

    async def scene() -> None:
        async with browser(address) as tab, browser(address) as other:
            await other.say("subscribe_runs")
            await tab.say("subscribe", run=recording.id, after=0)
            await tab.hear_until(caught_up(5))
            for reader in ("tail", "catching_up"):
                monkeypatch.setattr(f"server.live.{reader}.read_run", read)
            await asyncio.to_thread(broken.start)
            await other.say("subscribe", run=broken.id, after=0)
            await other.hear_until(
                lambda tab: any("failed to read this run" in each["message"] for each in tab.of("error"))
            )
            await asyncio.to_thread(recording.epoch)
            await tab.hear_until(caught_up(6))

    asyncio.run(scene())
    assert f"run {broken.id} cannot be read" in caplog.text


def test_a_cursor_that_is_replaced_while_it_is_being_served_repeats_nothing(
    address: str, app: FastAPI, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()

    def slow(*arguments: Any) -> Batch | None:
        batch = read_batch(*arguments)
        if batch is not None and batch.last_seq == 6 and not held.is_set():
            first = subscriptions(app)[0]
            held.set()
            while first.current:
                time.sleep(0.01)  # the tab subscribes anew before this is sent
        return batch

    async def scene() -> None:
        async with browser(address) as tab:
            await tab.say("subscribe", run=recording.id, after=5)
            await served_by_the_tail(app, 1)
            await asyncio.to_thread(recording.epoch)
            await asyncio.to_thread(held.wait)
            await tab.say("subscribe", run=recording.id, after=4)
            await tab.hear_until(lambda tab: tab.last_seq == 6)
            for seq in (7, 8):  # the tail is done with what was held as soon as it tells another
                await asyncio.to_thread(recording.epoch)
                await tab.hear_until(caught_up(seq))
            assert tab.seqs == [5, 6, 7, 8]

    monkeypatch.setattr("server.live.tail.read_batch", slow)
    asyncio.run(scene())
