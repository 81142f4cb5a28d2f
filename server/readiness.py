"""Whether the server can do its work now: asked by probes and by people, and looked at once for all who ask."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from db import Condition, Store, StoreError, Worker

LOOK_SECONDS = 0.5
"""How long the store is waited for."""
LIMIT_SECONDS = 2.5
"""After which it counts as not answering, whatever its driver thinks."""
FRESH_SECONDS = 0.25
"""How long a finding is told again instead of looking anew."""

SILENT = Condition(store=f"The store does not respond within {LIMIT_SECONDS:g} seconds: check its disk or its server.")


@dataclass(frozen=True, slots=True)
class Finding:
    """How the store was found, and the workers that are registered there; none where it cannot be read."""

    condition: Condition
    workers: tuple[Worker, ...] = ()


class Readiness:
    """Looks at the store in a thread of its own, so that neither readers nor blocked writers hold it up."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._executor = ThreadPoolExecutor(1, "readiness")
        self._looking: asyncio.Future[Finding] | None = None
        self._found = Finding(SILENT)
        self._found_at = -FRESH_SECONDS

    async def find(self) -> Finding:
        """The newest finding, at most a quarter of a second old; a look that takes too long finds the store silent."""
        if time.monotonic() < self._found_at + FRESH_SECONDS:
            return self._found
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().run_in_executor(self._executor, self._look)
        try:
            return await asyncio.wait_for(asyncio.shield(self._looking), LIMIT_SECONDS)
        except TimeoutError:
            return Finding(SILENT)

    def close(self) -> None:
        """Let the thread end; a look that is under way is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> Finding:
        condition = self._store.examine(LOOK_SECONDS)
        workers: tuple[Worker, ...] = ()
        try:
            workers = tuple(self._store.workers())
        except StoreError as error:
            condition = Condition(condition.store or str(error), condition.schema, condition.disk)
        self._found, self._found_at = Finding(condition, workers), time.monotonic()
        return self._found
