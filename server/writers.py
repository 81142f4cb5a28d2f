"""Whoever changes the store waits here for a turn, so that blocked writers never take the threads that readers need."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Depends, HTTPException
from starlette.requests import HTTPConnection

AT_ONCE = 8
"""Of the 40 threads that answer requests; on SQLite one writes while the others wait for it."""
MOST_WAITING = 200
PATIENCE_SECONDS = 15.0
"""Longer than the store itself waits for a lock, so that its own words reach whoever is first in line."""
BUSY = "Too many changes are waiting for the store. Try again in some seconds; look for a program that holds it locked."


class Writers:
    """The turns; one for each application."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def take(self) -> None:
        """Wait for a turn.

        Raises:
            HTTPException: 503 with Retry-After; too many wait, or it took too long.
        """
        if self._waiting >= MOST_WAITING:
            raise _busy()
        self._waiting += 1
        try:
            await asyncio.wait_for(self._turns.acquire(), PATIENCE_SECONDS)
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1

    def give(self) -> None:
        """End the turn."""
        self._turns.release()


def _busy() -> HTTPException:
    return HTTPException(503, BUSY, {"Retry-After": "5"})


async def _turn(connection: HTTPConnection) -> AsyncIterator[None]:
    writers: Writers = connection.app.state.writers
    await writers.take()
    try:
        yield
    finally:
        writers.give()


IN_TURN = Depends(_turn, scope="function")
"""For the routes that change the store: `dependencies=[IN_TURN]`."""
