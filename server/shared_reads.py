"""Reads that many ask for at the same moment, done once for all of them."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class SharedReads:
    """Reads by what they are of, one of each at a time. Nothing is kept of one that is over."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Task[Any]] = {}
        self._next: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, of: Hashable, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What a read returns or raises that began after this was asked: nobody gets what was so before.

        While one is under way, all who ask for the same wait for the next. It goes on though they leave.
        """
        task = self._next.get(of)
        if task is None:
            task = self._next[of] = asyncio.create_task(self._read(of, read))
            task.add_done_callback(partial(self._forget, of))
        return await asyncio.shield(task)

    async def _read(self, of: Hashable, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if of in self._under_way:
            await asyncio.wait([self._under_way[of]])
        self._under_way[of] = self._next.pop(of)
        return await read()

    def _forget(self, of: Hashable, task: asyncio.Task[Any]) -> None:
        for tasks in (self._next, self._under_way):
            if tasks.get(of) is task:
                del tasks[of]
