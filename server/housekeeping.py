"""What somebody must do now and then: take runs from workers that have fallen silent, and check the disk."""

import asyncio
import logging
import time

from db import Store, StoreUnreachable

log = logging.getLogger("server")

LONGEST_ROUND_SECONDS = 5.0
ROOM_ROUND_SECONDS = 5.0


def round_seconds(limit_seconds: float) -> float:
    """How often it is looked for workers that are silent for longer than the limit."""
    return min(limit_seconds / 4, LONGEST_ROUND_SECONDS)


async def requeue_silent_runs(store: Store, limit_seconds: float) -> None:
    """For ever: give the runs whose worker has not been heard for longer than the limit back to the queue.

    A machine that slept wakes with every worker silent: after a round that took far longer than it should, the workers
    are given the whole limit to speak again. The same holds at the start.
    """
    pause = round_seconds(limit_seconds)
    patience = limit_seconds
    while True:
        before = time.time()
        await asyncio.sleep(pause)
        slept = time.time() - before
        patience = limit_seconds if abs(slept - pause) > limit_seconds / 2 else patience - slept
        if patience > 0:
            continue
        try:
            taken = await asyncio.to_thread(store.requeue_silent, limit_seconds)
        except StoreUnreachable:
            continue  # the tail says so; nothing can be taken now
        for run_id, state in taken.items():
            log.warning("run %s is %s: no heartbeat from its worker", run_id, state)


async def look_after_room(store: Store, reserve_bytes: int) -> None:
    """For ever: give the room of deleted runs back to the disk, and keep the reserve for a full one anew."""
    while True:
        await asyncio.sleep(ROOM_ROUND_SECONDS)
        try:
            given = await asyncio.to_thread(store.give_space_back)
            await asyncio.to_thread(store.keep_reserve, reserve_bytes)
        except StoreUnreachable:
            continue  # the tail says so
        if given > 0:
            log.info("deleted runs gave %.1f MB back to the disk", given / 1e6)
