"""What a socket is missing of a run when it begins to follow it, sent up to where the tail takes over.

Hundreds of sockets come at once when a server restarts. Those who miss the same are read for once, and few reads at a
time leave room for the tail. Neither may miss what is written meanwhile: a read tells of which revision the tail had
told before it began, and a socket goes live only if that is still the last.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from db import Store
from db.errors import StoreUnreachable, UnknownRun
from server.live.batches import Batch, Selection, message, read_batch, read_run
from server.live.viewer import Subscription
from server.shared_reads import SharedReads

log = logging.getLogger("server")

READS_AT_ONCE = 2
FIRST_RETRY_SECONDS = 0.25
LONGEST_RETRY_SECONDS = 5.0

Revision = int | None
"""Of a run, as the tail last told of it; None: it never did."""


class CatchingUp:
    """Brings new subscriptions up to the tail."""

    def __init__(self, store: Store, revision: Callable[[str], Revision]) -> None:
        self._store = store
        self._revision = revision
        self._reads = SharedReads()
        self._turns = asyncio.Semaphore(READS_AT_ONCE)

    async def send(self, subscription: Subscription) -> None:
        """Send what a socket is missing, then hand it to the tail; wait for the store where it is lost."""
        retry = FIRST_RETRY_SECONDS
        while True:
            try:
                await self._send_snapshot(subscription)
                await self._send_missing(subscription)
                return
            except UnknownRun as error:
                _give_up(subscription, str(error))
                return
            except StoreUnreachable:
                await asyncio.sleep(retry)
                retry = min(retry * 2, LONGEST_RETRY_SECONDS)
            except Exception:
                log.exception("run %s cannot be read", subscription.run_id)
                _give_up(subscription, "The server failed to read this run; the reason is in its log.")
                return

    async def _send_snapshot(self, subscription: Subscription) -> None:
        run_id, send_queue = subscription.run_id, subscription.viewer.send_queue
        text, there = await self._reads.get(run_id, partial(self._snapshot, run_id))
        send_queue.put(text)
        missing = sorted((subscription.selection or frozenset()) - there)
        if there and missing:
            named = ", ".join(map(str, missing[:5]))
            text = f"This run has no layer {named}; it has 0 to {max(there)}"
            send_queue.put(message("error", message=text, run=run_id))

    async def _send_missing(self, subscription: Subscription) -> None:
        run_id = subscription.run_id
        while True:
            await subscription.viewer.send_queue.room()
            of = run_id, subscription.cursor, subscription.selection
            batch, revision = await self._reads.get(of, partial(self._next, *of))
            if batch is not None:
                subscription.deliver(batch)
            if (batch is None or not batch.full) and self._revision(run_id) == revision:
                # Whatever is written from here on has a revision that the tail has not sent yet: nothing is missed.
                subscription.live = True
                return

    async def _snapshot(self, run_id: str) -> tuple[str, frozenset[int]]:
        """How the run stands, and which layers it has."""

        def read() -> tuple[str, frozenset[int]]:
            there = frozenset(layer["index"] for layer in self._store.layers(run_id))
            return read_run(self._store, run_id), there

        async with self._turns:
            return await asyncio.to_thread(read)

    async def _next(self, run_id: str, cursor: int, selection: Selection) -> tuple[Batch | None, Revision]:
        """What comes after a cursor, and the revision before it was read."""
        async with self._turns:
            revision = self._revision(run_id)
            return await asyncio.to_thread(read_batch, self._store, run_id, cursor, {selection}), revision


def _give_up(subscription: Subscription, reason: str) -> None:
    subscription.viewer.send_queue.put(message("error", message=reason, run=subscription.run_id))
    if subscription.current:
        del subscription.viewer.subscriptions[subscription.run_id]
