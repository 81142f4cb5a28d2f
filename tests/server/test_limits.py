"""How many may come, how long they may take to say what they want, and that writers keep nobody from reading."""

import asyncio
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest
import websockets
from fastapi import FastAPI

from db import Store
from server.app import create_app
from server.settings import ServerSettings
from tests.server.recording import Recording
from tests.server.serving import browser, serving

pytestmark = pytest.mark.slow

HEALTH = "/api/v1/health"


@contextmanager
def limited(store: Store, settings: ServerSettings, **limits: object) -> Iterator[str]:
    """A served application with some limits changed; yields its address."""
    changed = settings.model_copy(update=limits)
    with serving(create_app(store, changed), changed) as address:
        yield address


def connect(address: str) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def test_half_open_connections_are_closed(store: Store, settings: ServerSettings) -> None:
    with limited(store, settings, header_seconds=0.3) as address, ExitStack() as stack:
        half = [stack.enter_context(connect(address)) for _ in range(200)]
        for each in half[:100]:
            each.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert {each.recv(10) for each in half} == {b""}
        assert httpx.get(f"{address}/livez").status_code == 200


def test_a_second_request_on_a_connection_has_its_time_too(store: Store, settings: ServerSettings) -> None:
    with limited(store, settings, header_seconds=0.3) as address, connect(address) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.sendall(b"GET /livez HTTP/1.1\r\nX-Slow: ")
        while connection.recv(4096):
            pass


SLOW_BODY = (
    b"POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
)


def test_bodies_that_trickle_are_closed_and_leave_room(store: Store, settings: ServerSettings) -> None:
    with limited(store, settings, header_seconds=0.3, most_connections=100) as address, ExitStack() as stack:
        slow = [stack.enter_context(connect(address)) for _ in range(100)]
        for each in slow:
            each.sendall(SLOW_BODY)
        assert {each.recv(12) for each in slow} == {b"HTTP/1.1 408"}
        assert httpx.get(f"{address}/livez").status_code == 200


def test_a_long_body_that_keeps_coming_is_read_to_its_end(store: Store, settings: ServerSettings) -> None:
    body = b'{"name": "' + b"x" * 3_985 + b'"}'

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 400):
            time.sleep(0.1)
            yield body[start : start + 400]

    with limited(store, settings, header_seconds=0.3) as address:
        answer = httpx.post(f"{address}/api/v1/runs", content=pieces(), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["detail"][0]["field"]) == (422, "name")


def test_a_live_socket_outlives_the_limit_of_heads(store: Store, settings: ServerSettings) -> None:
    recording = Recording(store)
    recording.start()

    async def scene(address: str) -> None:
        async with browser(address) as tab:
            await tab.hear_until(lambda tab: bool(tab.of("hello")))
            with connect(address) as slow:  # closed by its limit, which began after the tab's
                await asyncio.to_thread(slow.recv, 1)
            await tab.say("subscribe", run=recording.id, after=0, layers="all")
            await tab.hear_until(lambda tab: tab.last_seq == 1)

    with limited(store, settings, header_seconds=0.3) as address:
        asyncio.run(scene(address))


@pytest.mark.parametrize("size", [70_000, 1_000_000])
@pytest.mark.parametrize("whole", [True, False])
def test_large_headers_are_refused(app: FastAPI, settings: ServerSettings, size: int, whole: bool) -> None:
    with serving(app, settings) as address, connect(address) as connection:
        head = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"".join(
            b"X-%d: %b\r\n" % (number, b"x" * 990) for number in range(size // 1000)
        )
        try:
            connection.sendall(head + (b"\r\n" if whole else b""))
            answered = connection.recv(12)
        except ConnectionError:
            answered = b""  # closed while it was still sending
        assert answered in (b"HTTP/1.1 431", b"")
        assert httpx.get(f"{address}/livez").status_code == 200


def test_one_connection_too_many_is_told_so(store: Store, settings: ServerSettings) -> None:
    with limited(store, settings, most_connections=5) as address:
        with ExitStack() as stack:
            for _ in range(5):
                held = stack.enter_context(connect(address))
                held.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                assert held.recv(12) == b"HTTP/1.1 200"
            with connect(address) as late:
                assert b"503" in late.recv(100)
        # Those that left make room; how soon the server sees it is up to the system.
        until = 200
        while httpx.get(f"{address}/livez").status_code != 200:
            until -= 1
            assert until


def test_one_page_too_many_is_told_so(store: Store, settings: ServerSettings) -> None:
    async def scene(address: str) -> None:
        async with browser(address) as one, browser(address) as two:
            for tab in (one, two):
                await tab.hear_until(lambda tab: bool(tab.of("hello")))
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with browser(address):
                    pass
            assert refused.value.response.status_code == 503
            assert b"NEQ_MOST_SOCKETS" in (refused.value.response.body or b"")

    with limited(store, settings, most_sockets=2) as address:
        asyncio.run(scene(address))


def test_three_hundred_pages_follow_a_run(app: FastAPI, settings: ServerSettings, recording: Recording) -> None:
    async def scene(address: str) -> None:
        async with asyncio.timeout(120):
            tabs = [browser(address) for _ in range(300)]
            open_tabs = [await each.__aenter__() for each in tabs]
            for tab in open_tabs:
                await tab.say("subscribe", run=recording.id, after=0, layers=())
            newest = await asyncio.to_thread(recording.epoch)
            await asyncio.gather(*(tab.hear_until(lambda tab: tab.last_seq == newest) for tab in open_tabs))
            for each in tabs:
                await each.__aexit__(None, None, None)

    with serving(app, settings) as address:
        asyncio.run(scene(address))


def test_blocked_writers_leave_readers_alone(
    store: Store, settings: ServerSettings, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """60 changes wait for a database that another program holds; what is read meanwhile is read before they are."""
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    done: list[str] = []

    async def scene(address: str) -> None:
        limits = httpx.Limits(max_connections=200)
        async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:

            async def change() -> int:
                answer = await client.patch(f"/api/v1/runs/{recording.id}", json={"notes": "x"})
                done.append("change")
                return answer.status_code

            async def read(path: str) -> int:
                status = (await client.get(path)).status_code
                done.append("read")
                return status

            with closing(sqlite3.connect(path, isolation_level=None)) as holder:
                holder.execute("BEGIN IMMEDIATE")
                changes = [asyncio.create_task(change()) for _ in range(60)]
                for _ in range(3):
                    await asyncio.sleep(0)  # they are on their way before the first reader is
                paths = ["/livez", HEALTH, "/api/v1/runs", f"/api/v1/runs/{recording.id}", "/api/v1/presets"]
                assert [await read(each) for each in paths * 8] == [200] * 40
                assert done == ["read"] * 40, "nobody who reads has waited for somebody who writes"
                holder.execute("ROLLBACK")
            assert await asyncio.gather(*changes) == [200] * 60

    with serving(create_app(store, settings), settings) as address:
        asyncio.run(scene(address))


def test_too_many_blocked_writers_are_sent_away(
    store: Store, settings: ServerSettings, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.writers.MOST_WAITING", 3)
    path = Path(settings.database_url.removeprefix("sqlite:///"))

    async def scene(address: str) -> None:
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            with closing(sqlite3.connect(path, isolation_level=None)) as holder:
                holder.execute("BEGIN IMMEDIATE")
                changes = [
                    asyncio.create_task(client.patch(f"/api/v1/runs/{recording.id}", json={"notes": "x"}))
                    for _ in range(20)
                ]
                done, waiting = await asyncio.wait(changes, return_when=asyncio.FIRST_COMPLETED)
                first = next(iter(done)).result()
                assert (first.status_code, first.headers["retry-after"]) == (503, "5")
                assert "Too many changes" in first.json()["detail"]
                holder.execute("ROLLBACK")
            statuses = {(await each).status_code for each in waiting}
            assert statuses <= {200, 503}
            assert 200 in statuses

    with serving(create_app(store, settings), settings) as address:
        asyncio.run(scene(address))
