"""One run in a worker's hands: a thread that asks its engine for events and records each before the next."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from pydantic import ValidationError

from contract.config import RunConfig
from contract.errors import RunError
from contract.events import END_KINDS, EpochFinished, Event, RunFailed, RunStopped
from db import EventRefused, Run, RunLost, Store, StoreError, StoreFull, StoreUnreachable
from trainer.checkpoints.folder import CheckpointStore
from trainer.engines import Engine, Interrupted, ResumePoint
from trainer.worker.checkpoint_retention import CheckpointRetention
from trainer.worker.event_records import record_of
from trainer.worker.log_messages import LogMessages
from trainer.worker.replayed_run import write_masks

SHORTEST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
LAST_WORDS_SECONDS = 5.0
"""How long a worker that shuts down keeps trying to requeue its run."""
FULL_PATIENCE_SECONDS = 60.0
"""How long training waits for room on the store's disk before its run is failed, to be resumed by a person."""
START_A_WORKER = "Start a worker and resume the run."

T = TypeVar("T")

log = logging.getLogger("neq.worker")


class RunExecution:
    """A claimed run, from `start()` until `is_over`. Its methods may be called from any thread."""

    def __init__(
        self,
        store: Store,
        run: Run,
        worker_id: str,
        engine: Engine,
        checkpoint_store: CheckpointStore | None,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Args:
            release: called once nothing trains any more: what was reserved for the run is free.
        """
        self.run_id, self._release = run.id, release
        self._store, self._run, self._worker_id, self._engine = store, run, worker_id, engine
        self._checkpoint_store = checkpoint_store
        self._retention = CheckpointRetention(None, None)
        self._stopping = threading.Event()
        # Both None while stopping: the run is lost, and nothing is to be said.
        self._stop_reason: str | None = None
        self._back_reason: str | None = None
        self._patience_ends: float | None = None
        self._events: Generator[Event, None, None] | None = None
        self._epochs = run.epochs_done
        self._log_messages = LogMessages()
        self._thread = threading.Thread(target=self._work, name=f"run-{run.id}", daemon=True)

    def start(self) -> None:
        """Begins to train, in a thread of its own."""
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do."""
        return not self._thread.is_alive()

    def join(self, timeout_seconds: float) -> None:
        """Waits for the end."""
        self._thread.join(timeout_seconds)

    def heartbeat(self) -> None:
        """Tells the store that the run is in good hands, and ends it where the store says so."""
        if self._stopping.is_set():
            return
        try:
            if self._store.heartbeat(self.run_id, self._worker_id):
                self.stop("It was stopped on request.")
        except RunLost:
            if not self.is_over:
                self.abandon()
        except StoreUnreachable as error:
            log.warning("run %s: heartbeat not recorded: %s", self.run_id, error)

    def stop(self, reason: str) -> None:
        """Ends the training and has it recorded as stopped, for the reason that a person will read."""
        if not self._stopping.is_set():
            self._stop_reason = reason
            self._end()

    def requeue(self, reason: str, patience_seconds: float) -> None:
        """Ends the training and gives the run back to the queue; an end that came first stands.

        Args:
            reason: the sentence that a person will read.
            patience_seconds: how long to try to record it while the store does not answer.
        """
        self._patience_ends = time.monotonic() + patience_seconds
        if not self._stopping.is_set():
            self._back_reason = reason
            self._end()

    def abandon(self) -> None:
        """Ends the training and says nothing: the run is no longer this worker's."""
        if not self._stopping.is_set():
            self._end()

    def _end(self) -> None:
        self._stopping.set()
        events = self._events
        if events is not None:
            with suppress(ValueError):  # a plain generator in mid-step: _train closes it after the step
                events.close()

    def _work(self) -> None:
        log.info("run %s: begins", self.run_id)
        try:
            self._work_to_an_end()
        except RunLost:
            log.warning("run %s: it was reassigned or deleted; its training was stopped", self.run_id)
        except StoreError as error:
            log.error("run %s: its end could not be recorded: %s", self.run_id, error)

    def _work_to_an_end(self) -> None:
        try:
            end = self._train()
        except Interrupted as cut:
            self._requeue(cut)
            return
        if end is not None:
            self._record(end)
            log.info("run %s: %s", self.run_id, getattr(end, "reason", "finished"))
        elif self._back_reason is not None:
            self._requeue(Interrupted(self._back_reason, START_A_WORKER), counted=False)

    def _train(self) -> Event | None:
        """Trains and records. Returns the event that ends the run, None where nothing is to be said."""
        try:
            with TemporaryDirectory(prefix="neq-run-") as scratch:
                return self._train_in(Path(scratch))
        except RunLost:
            raise
        except Interrupted:
            if not self._stopping.is_set():
                raise
        except Exception as error:
            if not self._stopping.is_set():
                return _failure(error)
        finally:
            self._release()
        return self._how_it_ended()

    def _train_in(self, scratch: Path) -> Event | None:
        try:
            self._events = self._engine(*self._beginning(scratch))
            with suppress(StopIteration):
                while not self._stopping.is_set():
                    event = next(self._events)
                    if event.kind in END_KINDS:
                        return event
                    self._record(event)
                    self._epochs += isinstance(event, EpochFinished)
        finally:
            if self._events is not None:
                self._events.close()
        return self._how_it_ended()

    def _beginning(self, scratch: Path) -> tuple[RunConfig, ResumePoint]:
        config = RunConfig.model_validate(self._run.config)
        every = config.checkpoints.every_n_epochs
        self._retention = self._insist(
            "checkpoints", lambda: CheckpointRetention.of(self._store, self._run, self._checkpoint_store, every)
        )
        replayed = self._insist("the masks to replay", lambda: write_masks(self._store, config, scratch))
        return config, replace(self._retention.resume_point(self._run), replayed=replayed)

    def _how_it_ended(self) -> Event | None:
        if not self._stopping.is_set():
            return RunFailed(reason="The engine ended without reporting a result.")
        if self._stop_reason is None:
            return None
        return RunStopped(epochs=self._epochs, reason=self._stop_reason)

    def _record(self, event: Event) -> None:
        """Records an event and the log message that goes with it; at the end of a run the event comes last."""
        message = self._log_messages.message_after(event)
        told = [event] if message is None else [message, event] if event.kind in END_KINDS else [event, message]
        for each in told:
            try:
                self._append(each)
            except StoreFull:
                if each is event or event.kind not in END_KINDS:
                    raise  # an end can do without the message before it

    def _append(self, event: Event) -> None:
        kept = self._retention.after(event) if isinstance(event, EpochFinished) else None
        record = record_of(event, kept)
        self._insist(event.kind, lambda: self._store.append(self.run_id, self._worker_id, record))

    def _requeue(self, cut: Interrupted, *, counted: bool = True) -> None:
        def requeue() -> str:
            return self._store.requeue(
                self.run_id,
                self._worker_id,
                reason=cut.reason,
                remedy=cut.remedy,
                details=cut.details,
                counted=counted,
            )

        log.warning("run %s: %s It is %s now.", self.run_id, cut.reason, self._insist("its return", requeue))

    def _gives_up(self, waited_seconds: float) -> bool:
        """Whether training need not wait any longer for room on the disk: it is to end, or has waited long enough.

        The end itself is recorded all the same: the store keeps room for that.
        """
        return self._stopping.is_set() or waited_seconds > FULL_PATIENCE_SECONDS

    def _insist(self, what: str, act: Callable[[], T]) -> T:
        """Does it, and while the store does not answer tries again: nothing is lost, and training waits."""
        pause = SHORTEST_PAUSE_SECONDS
        began = time.monotonic()
        while True:
            try:
                return act()
            except StoreUnreachable as error:
                if self._patience_ends is not None and time.monotonic() > self._patience_ends:
                    raise
                if isinstance(error, StoreFull) and self._gives_up(time.monotonic() - began):
                    raise
                log.warning("run %s: %s not recorded yet, trying again: %s", self.run_id, what, error)
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _failure(error: Exception) -> RunFailed:
    """What a person should read when this was raised in the worker itself."""
    if isinstance(error, RunError):
        return RunFailed(reason=error.message, remedy=error.remedy)
    if isinstance(error, ValidationError):
        return RunFailed(
            reason="This worker cannot read the run's description; it was written by another version.",
            remedy="Give the worker the same version and NEQ_PLUGINS as the server, or launch the run again.",
            details=str(error)[-8_000:],
        )
    if isinstance(error, StoreFull):
        return RunFailed(
            reason="The store's disk is full.",
            remedy="Free space on it, by deleting runs for instance, and resume the run.",
        )
    details = "".join(traceback.format_exception(error))[-8_000:]
    if isinstance(error, EventRefused):
        return RunFailed(reason=str(error), details=details)
    return RunFailed(reason=f"The engine raised {type(error).__name__}: {error}", details=details)
