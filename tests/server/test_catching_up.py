"""Many sockets that begin to follow a run at the same moment, as after a server's restart."""

import asyncio
from typing import Any

import pytest

from server.live import catching_up
from server.live.batches import Batch, Selection, read_batch, read_run
from server.live.catching_up import CatchingUp
from server.live.viewer import SendQueue, Subscription, Viewer
from tests.server.recording import Recording

MANY = 100


def subscriptions(run_id: str, cursor: int, selections: list[Selection]) -> list[Subscription]:
    """One a socket."""
    made = [Subscription(Viewer(SendQueue()), run_id, cursor, each) for each in selections]
    for each in made:
        each.viewer.subscriptions[run_id] = each
    return made


async def sent(subscription: Subscription) -> list[str | bytes]:
    """What waits to be sent to its socket."""
    queue = subscription.viewer.send_queue
    return [await queue.take() for _ in range(len(queue._waiting))]


async def all_of(catching: CatchingUp, made: list[Subscription]) -> None:
    async with asyncio.timeout(30):
        await asyncio.gather(*map(catching.send, made))


def test_the_store_is_read_once_for_all_who_miss_the_same(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    def counted(name: str, read: Any) -> None:
        monkeypatch.setattr(catching_up, name, lambda *arguments: (reads.append(name), read(*arguments))[1])

    counted("read_run", read_run)
    counted("read_batch", read_batch)

    async def scene() -> None:
        catching = CatchingUp(recording.store, lambda _: recording.run.revision)
        made = subscriptions(recording.id, 2, [frozenset({1})] * MANY)
        await all_of(catching, made)
        assert all(each.live for each in made)
        assert reads == ["read_run", "read_batch"]
        first, *others = [await sent(each) for each in made]
        assert len(first) == 5, "the run, three epochs in a message, a frame of each"
        assert all(each == first for each in others)

    asyncio.run(scene())


def test_a_change_sends_back_those_alone_who_are_read_for_just_then(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all would read again at each change, and with enough of them no change would find one who is done."""
    revision, reads = 0, 0

    def changing(*arguments: Any) -> Batch | None:
        nonlocal revision, reads
        reads += 1
        if reads % 10 == 0 and revision < 5:
            recording.epoch()
            revision += 1
        return read_batch(*arguments)

    monkeypatch.setattr(catching_up, "read_batch", changing)

    async def scene() -> None:
        catching = CatchingUp(recording.store, lambda _: revision)
        # Each misses something else: nothing is shared.
        made = subscriptions(recording.id, 0, [frozenset({1, 100 + place}) for place in range(MANY)])
        await all_of(catching, made)
        assert all(each.live for each in made)
        assert revision == 5
        assert reads <= MANY + 50

    asyncio.run(scene())
