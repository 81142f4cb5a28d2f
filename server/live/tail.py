"""The tail of the store and all who follow it: one reader per process, whatever the number of sockets.

A change is noticed (`Store.changes`), the revisions tell which runs it touched, each of them is read once for all
sockets at the same cursor, and sent. A socket that begins further back catches up first (`catching_up.py`) and then
joins the others; nothing is kept between them but its cursor.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from db import Store
from db.errors import StoreUnreachable, UnknownRun
from db.records import Run
from server.live.batches import message, read_batch, read_run
from server.live.catching_up import FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, CatchingUp
from server.live.viewer import (
    MOST_SUBSCRIPTIONS,
    SEND_QUEUE_BYTES,
    ClientMessage,
    SendQueue,
    Subscribe,
    SubscribeRuns,
    Subscription,
    Unsubscribe,
    Viewer,
    client_message,
)
from server.serializers import present_runs

log = logging.getLogger("server")

WAIT_SECONDS = 0.25
PING_SECONDS = 10.0
RUNS_AT_FIRST = 50


class Live:
    """Follows the store and serves the open sockets and streams."""

    def __init__(self, store: Store, version: str, *, send_queue_bytes: int = SEND_QUEUE_BYTES) -> None:
        self.send_queue_bytes = send_queue_bytes
        self._store = store
        self._hello = message("hello", version=version)
        self._viewers: set[Viewer] = set()
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._revisions: dict[str, int] = {}
        self._catching_up = CatchingUp(store, lambda run_id: self._revisions.get(run_id))
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Begin to follow the store."""
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._ping())]

    async def stop(self) -> None:
        """End streams and tail. Sockets are closed by whoever serves them."""
        self.end_streams()
        for viewer in list(self._viewers):
            self.leave(viewer)
        follow, ping = self._tasks
        ping.cancel()
        await asyncio.wait([follow], timeout=2 * WAIT_SECONDS)  # a wait that is under way ends by itself
        follow.cancel()
        await asyncio.gather(follow, ping, return_exceptions=True)

    def end_streams(self) -> None:
        """Let every event stream end now, so that a server that is asked to stop need not wait for them."""
        self._closing = True
        for waiting in self._waiting.values():
            for changed in waiting:
                changed.set()

    @property
    def closing(self) -> bool:
        """Whether the server is about to stop."""
        return self._closing

    # ------------------------------------------------------------ who follows

    @property
    def viewers(self) -> int:
        """How many sockets are open."""
        return len(self._viewers)

    def join(self) -> Viewer:
        """A new socket."""
        viewer = Viewer(SendQueue(self.send_queue_bytes))
        viewer.send_queue.put(self._hello)
        self._viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """The socket is gone."""
        self._viewers.discard(viewer)
        for run_id in list(viewer.subscriptions):
            viewer.drop(run_id)

    @contextmanager
    def watch(self, run_id: str) -> Iterator[asyncio.Event]:
        """An event that is set on every change of a run, and when the server is about to stop."""
        changed = asyncio.Event()
        self._waiting.setdefault(run_id, set()).add(changed)
        try:
            yield changed
        finally:
            self._waiting[run_id].discard(changed)
            if not self._waiting[run_id]:
                del self._waiting[run_id]

    async def receive(self, viewer: Viewer, text: str) -> None:
        """Act on a browser's message, or answer what is wrong with it."""
        try:
            received: ClientMessage = client_message.validate_json(text)
        except ValidationError as error:
            viewer.send_queue.put(message("error", message=_why(error)))
            return
        if isinstance(received, Subscribe):
            self._subscribe(viewer, received)
        elif isinstance(received, Unsubscribe):
            viewer.drop(received.run)
        else:
            viewer.follows_runs = isinstance(received, SubscribeRuns)
            if viewer.follows_runs:
                await self._send_newest_runs(viewer)

    def _subscribe(self, viewer: Viewer, received: Subscribe) -> None:
        viewer.drop(received.run)
        if len(viewer.subscriptions) >= MOST_SUBSCRIPTIONS:
            text = f"One socket follows {MOST_SUBSCRIPTIONS} runs at most: unsubscribe from others first"
            viewer.send_queue.put(message("error", message=text, run=received.run))
            return
        subscription = Subscription(viewer, received.run, received.after, received.selection)
        viewer.subscriptions[received.run] = subscription
        subscription.catching_up = asyncio.create_task(self._catching_up.send(subscription))

    async def _send_newest_runs(self, viewer: Viewer) -> None:
        """The newest runs, for what changed between the page's list and this moment."""

        def read() -> list[str]:
            runs: list[Run] = self._store.runs(limit=RUNS_AT_FIRST).items
            return [message("run", run=run) for run in present_runs(self._store, runs)]

        try:
            for text in await asyncio.to_thread(read):
                viewer.send_queue.put(text)
        except StoreUnreachable as error:
            viewer.send_queue.put(message("error", message=str(error)))

    # ------------------------------------------------------------ the tail

    async def _follow(self) -> None:
        retry = FIRST_RETRY_SECONDS
        while not self._closing:
            try:
                changes = await asyncio.to_thread(self._store.changes)
                try:
                    await self._look()
                    if retry > FIRST_RETRY_SECONDS:
                        log.info("the store responds again")
                    retry = FIRST_RETRY_SECONDS
                    await self._watch(changes.wait)
                finally:
                    await asyncio.to_thread(changes.close)
            except StoreUnreachable as error:
                if retry == FIRST_RETRY_SECONDS:
                    log.warning("the store does not respond, retrying: %s", error)
                await asyncio.sleep(retry)
                retry = min(retry * 2, LONGEST_RETRY_SECONDS)

    async def _watch(self, wait: Callable[[float], bool]) -> None:
        while not self._closing:
            if await asyncio.to_thread(wait, WAIT_SECONDS):
                await self._look()

    async def _look(self) -> None:
        """Find the runs that changed, and send them to their followers."""
        before = self._revisions
        now: dict[str, int] = await asyncio.to_thread(self._store.revisions)
        self._revisions = now
        try:
            for run_id in before.keys() - now.keys():
                self._send_deleted(run_id)
            for run_id, revision in now.items():
                if before.get(run_id) != revision:
                    await self._send_changes_or_log(run_id)
        except StoreUnreachable:
            self._revisions = before  # so that the next look finds the same changes again
            raise

    async def _send_changes_or_log(self, run_id: str) -> None:
        """A run that cannot be read, such as a damaged one, keeps no other from being told."""
        try:
            await self._send_changes(run_id)
        except StoreUnreachable:
            raise
        except Exception:
            log.exception("run %s cannot be read: those who follow it hear nothing new of it", run_id)

    async def _send_changes(self, run_id: str) -> None:
        self._notify(run_id)
        if not any(viewer.wants(run_id) for viewer in self._viewers):
            return
        try:
            await self._send_events(run_id)
            text = await asyncio.to_thread(read_run, self._store, run_id)
        except UnknownRun:
            return  # deleted since; the next look says so
        for viewer in self._viewers:
            if viewer.wants(run_id):
                viewer.send_queue.put(text)

    async def _send_events(self, run_id: str) -> None:
        followers = [each for viewer in self._viewers if (each := viewer.subscriptions.get(run_id))]
        by_cursor: dict[int, list[Subscription]] = {}
        for follower in followers:
            if follower.live:
                by_cursor.setdefault(follower.cursor, []).append(follower)
        for cursor, group in by_cursor.items():
            await self._advance(run_id, cursor, group)

    async def _advance(self, run_id: str, cursor: int, group: list[Subscription]) -> None:
        """Read what comes after a cursor once, and send it to all that stand there."""
        more = True
        while more:
            selections = {each.selection for each in group if each.current}
            batch = await asyncio.to_thread(read_batch, self._store, run_id, cursor, selections)
            if batch is None:
                return
            for each in group:
                if each.current and each.cursor == cursor:
                    each.deliver(batch)
            cursor, more = batch.last_seq, batch.full

    def _send_deleted(self, run_id: str) -> None:
        self._notify(run_id)
        text = message("run_deleted", run=run_id)
        for viewer in self._viewers:
            if viewer.wants(run_id):
                viewer.send_queue.put(text)
                viewer.drop(run_id)

    def _notify(self, run_id: str) -> None:
        for changed in self._waiting.get(run_id, ()):
            changed.set()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS)
            for viewer in self._viewers:
                viewer.send_queue.put(message("ping"))


def _why(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"Not understood: {place + ': ' if place else ''}{first['msg']}"
