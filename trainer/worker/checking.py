"""What a worker does besides training: it says what its machine has, and makes the dry passes that are asked of it."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from pydantic import ValidationError

from db import Check, CheckState, Store, StoreError
from trainer.checks.capabilities import Gpu
from trainer.config import RunConfig
from trainer.engines.dry import DryPasses
from trainer.engines.workplace import Workplace
from trainer.worker.capabilities import capabilities

LOOK_SECONDS = 0.15
"""How often it is looked for a check that waits."""
DESCRIBE_SECONDS = 5.0
"""How often the data folder and the memory are looked at."""
RETRY_SECONDS = 2.0
UNUSABLE_SECONDS = 30.0
"""How long it waits where torch cannot be started."""
IDLE_SECONDS = 3.0
"""A worker that trains nothing for so long gets ready for dry passes. Importing torch takes ten seconds of a processor,
which a run that was just claimed needs more; a check that is asked for earlier waits for the import."""
MEMORY_STEP_BYTES = 500_000_000
"""A smaller change of the free memory is not worth telling."""

log = logging.getLogger("neq.worker")


class Checker:
    """A thread beside a worker's runs. Whatever fails in it, runs go on."""

    def __init__(self, workplace: Workplace) -> None:
        """Args: workplace: what this machine offers."""
        self._workplace = workplace
        self._passes = DryPasses(workplace)
        self._gpus: tuple[Gpu, ...] | None = None
        self._told: tuple[str, object] | None = None
        self._described_at = 0.0
        self._worker_id: Callable[[], str | None] = lambda: None
        self._trains: Callable[[], bool] = lambda: False
        self._trained_at = time.monotonic()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, store: Store, worker_id: Callable[[], str | None], trains: Callable[[], bool]) -> None:
        """Begins, in a thread of its own.

        Args:
            worker_id: tells for which worker it speaks now; None while that is not registered.
            trains: tells whether that has a run now.
        """
        self._worker_id, self._trains = worker_id, trains
        self._thread = threading.Thread(target=self._work, args=(store,), name="checks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it, and a dry pass that is under way."""
        self._stop.set()
        self._passes.close()
        if self._thread is not None:
            self._thread.join()
        self._passes.close()

    def _work(self, store: Store) -> None:
        while not self._stop.is_set():
            worker_id = self._worker_id()
            try:
                if worker_id is not None:
                    self._turn(store, worker_id)
                self._stop.wait(LOOK_SECONDS)
            except (StoreError, OSError) as error:
                log.warning("checks before launch wait: %s", error)
                self._stop.wait(RETRY_SECONDS)

    def _turn(self, store: Store, worker_id: str) -> None:
        self._describe(store, worker_id)
        if self._trains():
            self._trained_at = time.monotonic()
        if time.monotonic() >= self._trained_at + IDLE_SECONDS:
            self._passes.warm()
            if self._gpus is None:
                self._ask_for_gpus()
        check = store.claim_check(worker_id)
        if check is not None:
            self._answer(store, worker_id, check)

    def _ask_for_gpus(self) -> None:
        found = self._passes.gpus()
        if found is None:
            log.warning("torch could not be asked for GPUs; checks before launch wait")
            self._stop.wait(UNUSABLE_SECONDS)
            return
        self._gpus = tuple(Gpu.model_validate(each) for each in found)
        self._described_at = 0.0

    def _describe(self, store: Store, worker_id: str) -> None:
        if time.monotonic() < self._described_at + DESCRIBE_SECONDS and self._told and self._told[0] == worker_id:
            return
        self._described_at = time.monotonic()
        said = capabilities(self._workplace, self._gpus)
        rounded = said.model_copy(update={"free_memory_bytes": (said.free_memory_bytes or 0) // MEMORY_STEP_BYTES})
        if self._told != (worker_id, rounded):
            store.describe_worker(worker_id, said.model_dump(mode="json"))
            self._told = (worker_id, rounded)

    def _answer(self, store: Store, worker_id: str, check: Check) -> None:
        try:
            said = self._passes.make(RunConfig.model_validate(check.config))
        except ValidationError:
            said = {"state": "unknown", "reason": "This worker is of another version than the server."}
        if self._stop.is_set():
            return  # it was ended in the middle, and has nothing to say
        state: CheckState = said.pop("state")
        with suppress(StoreError):  # then it is asked for anew
            store.answer_check(check.id, worker_id, state, said)
