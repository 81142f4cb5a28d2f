"""What a worker does besides training: it says what its machine has, and makes the dry passes that are asked of it."""

import logging
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from contract.config import RunConfig
from db import Check, CheckState, Store, StoreError
from trainer.engines.cluster import Cluster
from trainer.engines.dry import DryPasses
from trainer.engines.environment import Workplace
from trainer.engines.gpus import Gpu, GpuPool
from trainer.worker.capabilities import capabilities, cluster_capabilities

LOOK_SECONDS = 0.15
"""How often it is looked for a check that waits."""
DESCRIBE_SECONDS = 5.0
"""How often the data folder and the memory are looked at."""
NODES_SECONDS = 1.0
"""How often the nodes of a cluster are told: people read there whether a run would wait."""
RETRY_SECONDS = 2.0
UNUSABLE_SECONDS = 30.0
"""How long it waits before it asks for GPUs again, where torch could not be started."""
IDLE_SECONDS = 3.0
"""A worker that trains nothing for so long gets ready for dry passes. Importing torch takes ten seconds of a processor,
which a run that was just claimed needs more; a check that is asked for earlier waits for the import."""

log = logging.getLogger("neq.worker")


class Checker:
    """Threads beside a worker's runs. Whatever fails in them, runs go on."""

    def __init__(self, workplace: Workplace, gpus: GpuPool | None = None, cluster: Cluster | None = None) -> None:
        """
        Args:
            workplace: what this machine offers.
            gpus: that runs are given; where it does not know them yet, it is told once torch was asked.
            cluster: what runs are trained on instead: its nodes are described then, and no dry passes made, because
                this machine could say nothing about those.
        """
        self._workplace, self._pool, self._cluster = workplace, gpus or GpuPool(None), cluster
        self._passes = DryPasses(workplace, self._pool)
        self._others: list[str] | None = None
        self._asked_at = -math.inf
        self._look = threading.Event()
        self._troubles: dict[str, str] = {}
        self._worker_id: Callable[[], str | None] = lambda: None
        self._trains: Callable[[], bool] = lambda: False
        self._trained_at = time.monotonic()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, store: Store, worker_id: Callable[[], str | None], trains: Callable[[], bool]) -> None:
        """Begins, in threads of its own: importing torch for a check keeps nobody from looking at the data folder.

        Args:
            worker_id: tells for which worker it speaks now; None while that is not registered.
            trains: tells whether that has a run now.
        """
        self._worker_id, self._trains = worker_id, trains
        told = self._describe if self._cluster is None else self._describe_cluster
        for name, act in (("description", told), *(() if self._cluster else (("checks", self._check),))):
            thread = threading.Thread(target=self._work, args=(store, name, act), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Ends it, and a dry pass that is under way."""
        self._stop.set()
        self._look.set()
        self._passes.close()
        for thread in self._threads:
            thread.join()
        self._passes.close()

    def _work(self, store: Store, name: str, act: Callable[[Store, str], None]) -> None:
        """Acts again and again while the worker is registered. Nothing ends it but `close`: checks are asked for as
        long as the worker lives, and nobody would notice that they are not answered any more."""
        while not self._stop.is_set():
            try:
                if (worker_id := self._worker_id()) is not None:
                    act(store, worker_id)
                self._troubles.pop(name, None)
                self._stop.wait(LOOK_SECONDS)
            except Exception as error:
                self._report(name, error)
                self._stop.wait(RETRY_SECONDS)

    def _report(self, name: str, error: Exception) -> None:
        """Logs a trouble once for as long as it lasts; with its trace where it is none of the surroundings."""
        said = f"{type(error).__name__}: {error}"
        if self._troubles.get(name) != said:
            self._troubles[name] = said
            unexpected = not isinstance(error, StoreError | OSError)
            log.warning("%s before launch wait: %s", name, error or said, exc_info=error if unexpected else None)

    def _check(self, store: Store, worker_id: str) -> None:
        if self._trains():
            self._trained_at = time.monotonic()
        if time.monotonic() >= self._trained_at + IDLE_SECONDS:
            self._passes.warm()
            unknown = self._pool.gpus is None or (self._others is None and self._workplace.device_limit == "auto")
            if unknown and time.monotonic() >= self._asked_at + UNUSABLE_SECONDS:
                self._ask_for_gpus()
        check = store.claim_check(worker_id)
        if check is not None:
            self._look.set()  # somebody launches a run just now, perhaps with data that were just put there
            self._answer(store, worker_id, check)

    def _ask_for_gpus(self) -> None:
        if self._pool.gpus is None:
            self._learn_gpus()
        if self._pool.gpus is not None and self._workplace.device_limit == "auto" and not self._stop.is_set():
            self._others = self._passes.other_kinds()
            self._asked_at = time.monotonic()

    def _learn_gpus(self) -> None:
        found = self._passes.gpus()
        self._asked_at = time.monotonic()
        if self._stop.is_set():
            return  # the worker ends, which says nothing about torch
        if found is None:
            log.warning("torch could not list the GPUs; retrying in %.0f s", UNUSABLE_SECONDS)
            return
        missing = self._pool.learn([Gpu(**each) for each in found])
        if missing:
            named = ", ".join(str(number) for number in missing)
            log.warning("NEQ_DEVICE names GPUs that torch cannot find: %s", named)
        if self._pool.gpus:
            titles = ", ".join(gpu.title for gpu in self._pool.gpus)
            log.info("torch lists GPUs now: runs are given %s; the slots stay unchanged", titles)
        self._look.set()

    def _describe(self, store: Store, worker_id: str) -> None:
        """Tells what there is, also where nothing has changed: what is old is no ground for refusing a run."""
        self._look.clear()
        said = capabilities(self._workplace, self._pool.gpus, self._others)
        store.describe_worker(worker_id, said.model_dump(mode="json"))
        self._look.wait(DESCRIBE_SECONDS)

    def _describe_cluster(self, store: Store, worker_id: str) -> None:
        assert self._cluster is not None  # noqa: S101
        said = cluster_capabilities(self._cluster.nodes())
        store.describe_worker(worker_id, said.model_dump(mode="json"))
        self._look.wait(NODES_SECONDS)

    def _answer(self, store: Store, worker_id: str, check: Check) -> None:
        said = self._made(check)
        if self._stop.is_set():
            return  # it was ended in the middle, and has nothing to say
        state: CheckState = said.pop("state")
        with suppress(StoreError):  # then it is asked for anew
            store.answer_check(check.id, worker_id, state, said)

    def _made(self, check: Check) -> dict[str, Any]:
        """What came of the dry pass; of one that could not be made, why."""
        try:
            return self._passes.make(RunConfig.model_validate(check.config))
        except ValidationError:
            return {"state": "unknown", "reason": "This worker is of another version than the server."}
        except Exception as error:  # whatever it is, who asked is told, and the next check is made
            log.exception("a check could not be run")
            return {"state": "unknown", "reason": f"The worker could not run the check: {type(error).__name__}."}
