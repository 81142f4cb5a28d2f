"""What somebody must do now and then: take runs from workers that have fallen silent."""

import asyncio
import logging
import time

from db import Store, StoreUnreachable

log = logging.getLogger("server")

LONGEST_ROUND_SECONDS = 5.0


async def give_back_silent_runs(store: Store, limit_seconds: float) -> None:
    """For ever: give the runs whose worker has not been heard for longer than the limit back to the queue.

    A machine that slept wakes with every worker silent: after a round that took far longer than it should, the workers
    are given the whole limit to speak again. The same holds at the start.
    """
    round_seconds = min(limit_seconds / 4, LONGEST_ROUND_SECONDS)
    patience = limit_seconds
    while True:
        before = time.time()
        await asyncio.sleep(round_seconds)
        slept = time.time() - before
        patience = limit_seconds if abs(slept - round_seconds) > limit_seconds / 2 else patience - slept
        if patience > 0:
            continue
        try:
            taken = await asyncio.to_thread(store.give_back_silent, limit_seconds)
        except StoreUnreachable:
            continue  # the tail says so; nothing can be taken now
        for run_id, state in taken.items():
            log.warning("run %s is %s: its worker fell silent", run_id, state)
