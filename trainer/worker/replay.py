"""Replaying a recorded run: a worker that does not train, and otherwise goes through the same door as one that does."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from contract.config import RunConfig
from contract.events import END_KINDS, EpochFinished, EpochProgressed, Event, RunFailed, RunStopped
from contract.runfile import RunFile, RunFileBroken, RunHeader
from db import NewRun, Run, Store, StoreUnreachable
from trainer.worker.event_records import record_of

HEARTBEAT_SECONDS = 0.7
RETRY_SECONDS = 0.5
TAG = "replay"
CUT_SHORT = "The recording ends here."
STOPPED = "It was stopped on request."
INTERRUPTED = "The replay was interrupted."

log = logging.getLogger("neq.worker")


def begin_replay(store: Store, header: RunHeader, name: str | None = None) -> "Replay":
    """Makes a run of its own for a recorded one, which is running from its first moment on.

    Args:
        store: where it is recorded.
        header: of the recording.
        name: what the run is called; None: as the recorded one.
    Raises:
        pydantic.ValidationError: the recorded description is none that this program understands.
    """
    config = header.config
    if header.source == "launched":
        config = RunConfig.model_validate(config).model_dump(mode="json")
    worker = store.register_worker(
        name="replay", host=socket.gethostname(), pid=os.getpid(), device="none (replay)", slots=1
    )
    run = store.begin_run(
        worker.id,
        NewRun(
            config=config,
            epochs_planned=header.epochs_planned,
            group=header.group,
            source=header.source,
            name=name or header.name,
            notes="\n\n".join(filter(None, (header.notes, f"Replay of run {header.id}."))),
            tags=dict.fromkeys((*(tag for tag in header.tags if tag and "," not in tag), TAG)),
        ),
        checkpoint_store=f"replay {secrets.token_hex(8)}",  # nobody else's, for nobody could train it on
    )
    return Replay(store, run, worker.id)


@dataclass
class Replay:
    """A run that is being replayed, and the worker that speaks for it."""

    store: Store
    run: Run
    worker_id: str
    _heartbeat_at: float = 0.0
    _epochs: int = 0

    def play(
        self,
        file: RunFile,
        *,
        speed: float | None,
        stop: threading.Event,
        told: Callable[[Event], None] = lambda event: None,
    ) -> Event:
        """Says what the recording says, at its pace. Returns the event that ended the run.

        An epoch takes as long as it took then, divided by the speed; what lies between epochs takes no time.

        Args:
            file: the open recording.
            speed: how many times as fast; None: as fast as it can be recorded.
            stop: set it to end the replay; so does a stop that is asked for in the dashboard.
            told: called after each event, for a progress bar.
        Raises:
            RunFileBroken: the file is damaged; the run is ended as stopped first.
            RunLost: the run was deleted, or its replay was taken for dead.
        """
        try:
            return self._play(file, speed, stop, told)
        except RunFileBroken as error:
            self._say(RunFailed(reason=f"The recording is damaged: {error}", remedy="Export it again."), told)
            raise
        finally:
            self.store.forget_worker(self.worker_id)

    def _play(self, file: RunFile, speed: float | None, stop: threading.Event, told: Callable[[Event], None]) -> Event:
        end: Event | None = None
        due = time.monotonic()
        for event in file.events():
            end = event if event.kind in END_KINDS else None
            if end or isinstance(event, EpochProgressed):
                continue  # an end that something follows was none: the run was resumed
            if isinstance(event, EpochFinished):
                # What recording took too long is caught up with, but not more than a second of it.
                due = max(due, time.monotonic() - 1) + (_seconds(event) / speed if speed else 0)
            reason = self._wait(due, stop)
            if reason is not None:
                return self._say(RunStopped(epochs=self._epochs, reason=reason), told)
            self._say(event, told)
            self._epochs += isinstance(event, EpochFinished)
        return self._say(end or RunStopped(epochs=self._epochs, reason=CUT_SHORT), told)

    def _wait(self, due: float, stop: threading.Event) -> str | None:
        """Waits, and sends heartbeats meanwhile. Returns why the replay must end, or None."""
        while True:
            if stop.is_set():
                return INTERRUPTED
            now = time.monotonic()
            if now >= self._heartbeat_at:
                self._heartbeat_at = now + HEARTBEAT_SECONDS
                if self._heartbeat():
                    return STOPPED
            if now >= due:
                return None
            stop.wait(min(due, self._heartbeat_at) - now)

    def _heartbeat(self) -> bool:
        """Tells that the replay lives. Returns whether a stop is asked for."""
        try:
            self.store.worker_alive(self.worker_id)
            return self.store.heartbeat(self.run.id, self.worker_id)
        except StoreUnreachable as error:
            log.warning("run %s: heartbeat not recorded: %s", self.run.id, error)
            return False

    def _say(self, event: Event, told: Callable[[Event], None]) -> Event:
        """Records an event; while the store does not answer, again and again: nothing is left out."""
        record = record_of(event)
        while True:
            try:
                self.store.append(self.run.id, self.worker_id, record)
                break
            except StoreUnreachable as error:
                log.warning("run %s: %s not recorded yet, trying again: %s", self.run.id, event.kind, error)
                time.sleep(RETRY_SECONDS)
        told(event)
        return event


def _seconds(epoch: EpochFinished) -> float:
    """How long the epoch took, from its first step until it was recorded."""
    parts = epoch.seconds
    return parts.train + parts.probe + parts.evaluate + parts.record
