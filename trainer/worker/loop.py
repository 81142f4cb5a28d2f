"""The worker's loop: it sends heartbeats, claims queued runs while it has room, and shuts down cleanly."""

import logging
import os
import socket
import threading
import time

from db import Store, StoreUnreachable, UnknownWorker
from db import Worker as WorkerRecord
from trainer.checkpoints.folder import CheckpointStore
from trainer.engines import Engine
from trainer.engines.cluster import Cluster
from trainer.worker.checking import Checker
from trainer.worker.checkpoint_retention import tidy
from trainer.worker.claiming import Claimed, Claims, FirstOfQueue, FirstThatFits
from trainer.worker.closing_time import ClosingTime
from trainer.worker.run_execution import LAST_WORDS_SECONDS, RunExecution

HEARTBEAT_SECONDS = 0.7
LOOK_SECONDS = 0.25
"""How often an idle worker looks for a queued run."""
TIDY_SECONDS = 5.0
"""How often needless checkpoints are deleted."""
RETRY_SECONDS = 1.0
JOIN_SECONDS = 10.0

log = logging.getLogger("neq.worker")


def run_worker(
    store: Store,
    *,
    engine: Engine | Cluster,
    name: str,
    device: str,
    slots: int,
    silence_limit_seconds: float,
    stop: threading.Event,
    checkpoint_store: CheckpointStore | None = None,
    checker: Checker | None = None,
    closing_time: ClosingTime | None = None,
) -> None:
    """Trains queued runs until `stop` is set or it is time to close; then it puts its runs back into the queue, and
    returns.

    A run that fails, however it fails, ends that run alone. While the database does not answer, training waits and
    nothing that a run said is lost.

    Args:
        store: where runs are taken from and recorded.
        engine: carries out a run; `trainer.engines.process.process_engine` for a process each. Or a cluster, which has
            a place for each run before that is claimed.
        name: what the worker is called in the dashboard; empty: this machine's name.
        device: what it may use, as it was told, such as `auto`.
        slots: how many runs are trained at once.
        silence_limit_seconds: a run of any worker that is silent for longer is put back into the queue.
        stop: set it to end the worker, from a signal handler for instance.
        checkpoint_store: where the engine's runs leave their checkpoints; None: they leave none.
        checker: says what this machine has, and makes the dry passes that are asked of it; None: it does neither.
        closing_time: when it ends by itself; None: never.
    """
    kept_in = "" if checkpoint_store is None else checkpoint_store.id
    worker = Worker(
        store,
        FirstThatFits(store, engine, kept_in) if isinstance(engine, Cluster) else FirstOfQueue(store, engine, kept_in),
        name,
        device,
        slots,
        silence_limit_seconds,
        stop,
        checkpoint_store,
        closing_time or ClosingTime(),
    )
    if checker is None:
        worker.work()
        return
    checker.start(store, worker.worker_id, worker.trains)
    try:
        worker.work()
    finally:
        checker.close()


class Worker:
    """Claims runs, trains them and sends heartbeats, from `work()` until it is told to stop."""

    def __init__(
        self,
        store: Store,
        claims: Claims,
        name: str,
        device: str,
        slots: int,
        silence_limit_seconds: float,
        stop: threading.Event,
        checkpoint_store: CheckpointStore | None,
        closing_time: ClosingTime,
    ) -> None:
        self._store, self._claims, self._stop, self._checkpoint_store = store, claims, stop, checkpoint_store
        self._closing_time = closing_time
        self._name, self._device, self._slots = name or socket.gethostname(), device, slots
        self._silence_limit_seconds = silence_limit_seconds
        self._registered: WorkerRecord | None = None
        self._executions: list[RunExecution] = []
        self._heartbeat_at = self._tidy_at = 0.0

    def worker_id(self) -> str | None:
        """The worker's id while it is registered."""
        registered = self._registered
        return None if registered is None else registered.id

    def trains(self) -> bool:
        """Whether it has a run now."""
        return bool(self._executions)

    def work(self) -> None:
        try:
            while not self._stop.is_set():
                looked = True
                try:
                    self._look()
                except StoreUnreachable as error:
                    looked = False
                    log.warning("the store does not respond, retrying: %s", error)
                    self._stop.wait(RETRY_SECONDS)
                self._end_in_time(looked=looked)
                self._stop.wait(LOOK_SECONDS)
        finally:
            self._leave()

    def _look(self) -> None:
        if self._registered is None:
            self._registered = self._register()
        self._executions = [execution for execution in self._executions if not execution.is_over]
        if time.monotonic() >= self._heartbeat_at + HEARTBEAT_SECONDS:
            self._heartbeat_at = time.monotonic()
            self._heartbeat(self._registered)
        if self._checkpoint_store is not None and time.monotonic() >= self._tidy_at + TIDY_SECONDS:
            self._tidy_at = time.monotonic()
            tidy(self._store, self._checkpoint_store)
        self._claim()

    def _end_in_time(self, *, looked: bool) -> None:
        """Ends the worker when that is due; what could not look for runs does not know that there are none."""
        reason = self._closing_time.reason_to_end(busy=self.trains() or not looked)
        if reason is not None:
            log.info("the worker ends: %s", reason)
            self._stop.set()

    def _claim(self) -> None:
        """Takes queued runs while there is room for them, and time."""
        while self._registered is not None and len(self._executions) < self._slots and self._may_claim():
            claimed = self._claims.claim(self._registered.id)
            if claimed is None:
                return
            self._begin(claimed, self._registered.id)

    def _may_claim(self) -> bool:
        return not self._stop.is_set() and self._closing_time.may_claim()

    def _register(self) -> WorkerRecord:
        worker = self._store.register_worker(
            name=self._name,
            host=socket.gethostname(),
            pid=os.getpid(),
            device=self._device,
            slots=self._slots,
        )
        log.info("worker %s (%s) waits for runs, %d at once", worker.name, worker.id, self._slots)
        return worker

    def _heartbeat(self, worker: WorkerRecord) -> None:
        for execution in self._executions:
            execution.heartbeat()
        try:
            self._store.worker_alive(worker.id)
        except UnknownWorker:
            self._registered = None  # cleared away after a long sleep: register anew; runs keep their claims
        for run_id, state in self._store.requeue_silent(self._silence_limit_seconds).items():
            log.warning("run %s: no heartbeat from its worker; it is now %s", run_id, state)

    def _begin(self, claimed: Claimed, worker_id: str) -> None:
        execution = RunExecution(
            self._store, claimed.run, worker_id, claimed.engine, self._checkpoint_store, claimed.release
        )
        self._executions.append(execution)
        execution.start()

    def _leave(self) -> None:
        self._claims.close()
        for execution in self._executions:
            execution.requeue("The worker was shut down.", LAST_WORDS_SECONDS)
        for execution in self._executions:
            execution.join(JOIN_SECONDS)
        try:
            if self._registered is not None:
                self._store.forget_worker(self._registered.id)
        except StoreUnreachable as error:
            log.warning("the worker could not sign off: %s", error)
