"""Reads that many ask for at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI

from server.app import local_client
from server.settings import ServerSettings
from server.shared_reads import SharedReads
from tests.server.recording import Recording


class Value:
    """What is read, as it was when a read began; a read ends when it is told to."""

    def __init__(self) -> None:
        self.now = 0
        self.read = 0
        self.ends = asyncio.Event()

    async def __call__(self) -> int:
        found = self.now
        self.read += 1
        await self.ends.wait()
        return found


async def scene(act: Callable[[SharedReads, Value], Awaitable[None]]) -> None:
    async with asyncio.timeout(5):
        await act(SharedReads(), Value())


async def a_moment() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_asks_at_once_shares_a_read_and_who_asks_meanwhile_the_next() -> None:
    async def act(reads: SharedReads, value: Value) -> None:
        first = [asyncio.create_task(reads.get("it", value)) for _ in range(100)]
        await a_moment()
        value.now = 1  # the read that is under way does not know of it
        later = [asyncio.create_task(reads.get("it", value)) for _ in range(100)]
        other = asyncio.create_task(reads.get("another", value))
        await a_moment()
        assert value.read == 2, "of each one at a time"
        value.ends.set()
        assert await asyncio.gather(*first) == [0] * 100
        assert await asyncio.gather(*later) == [1] * 100
        assert await other == 1
        assert value.read == 3
        value.now = 2
        assert await reads.get("it", value) == 2, "nothing is kept"

    asyncio.run(scene(act))


def test_who_leaves_takes_it_from_nobody_and_an_error_is_everybodys() -> None:
    async def act(reads: SharedReads, value: Value) -> None:
        leaves, stays = (asyncio.create_task(reads.get("it", value)) for _ in range(2))
        await a_moment()
        leaves.cancel()
        value.ends.set()
        assert await stays == 0

        async def fail() -> int:
            raise KeyError("gone")

        for asked in [asyncio.create_task(reads.get("it", fail)) for _ in range(2)]:
            with pytest.raises(KeyError):
                await asked
        assert await reads.get("it", value) == 0, "and of nobody who asks afterwards"

    asyncio.run(scene(act))


def test_pages_that_ask_for_a_runs_metrics_at_once_are_answered_by_one_look_into_the_store(
    app: FastAPI, settings: ServerSettings, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    for name in ("run", "metrics", "metric_points"):
        read = getattr(recording.store, name)
        monkeypatch.setattr(recording.store, name, lambda *a, _n=name, _r=read: (looks.append(_n), _r(*a))[1])

    async def act() -> None:
        async with local_client(app, settings) as client:
            path = f"/api/v1/runs/{recording.id}/metrics"
            listed = await asyncio.gather(*(client.get(path) for _ in range(50)), client.get("/api/v1/runs/no/metrics"))
            points = await asyncio.gather(*(client.get(f"{path}/points?name={of}") for of in ("test_loss", "no") * 50))
        assert {answer.status_code for answer in listed[:50]} == {200}
        assert len({answer.content for answer in listed[:50]}) == 1
        assert listed[0].json()["metrics"]
        assert [answer.status_code for answer in (listed[50], *points)] == [404, *[200, 404] * 50]
        assert {tuple(answer.json()["values"]) for answer in points[::2]} == {(1.0,) * 4}

    asyncio.run(act())
    # Those who ask while a look is under way share the next one; points of no metric are looked for among them all.
    assert looks.count("run") <= 5
    assert looks.count("metrics") <= 4
    assert looks.count("metric_points") <= 4
