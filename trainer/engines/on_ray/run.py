"""A run that trains on a node of a Ray cluster, as its worker hears of it."""

import io
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import NodeDiedError, OutOfMemoryError, RayError, WorkerCrashedError

from contract.config import RunConfig
from contract.events import Event, RunFailed
from trainer.engines import Interrupted
from trainer.engines.event_stream import EventStream
from trainer.engines.frames import Begun, FrameBroken, read_frame
from trainer.engines.memory import less_memory
from trainer.engines.on_ray.node import INTERRUPTED

GRACE_SECONDS = 3.0
"""What the task gets to end the training process; then its own process is killed, and the training one follows."""
_LOOK_SECONDS = 0.25


class RayRun(EventStream):
    """The events of a run, as they come from its node. For one reading thread; any thread may close it."""

    def __init__(self, config: RunConfig, pieces: Any, release: Callable[[], None]) -> None:
        """
        Args:
            pieces: Ray's generator of what `trainer.engines.on_ray.node.train` yields.
            release: gives the reservation back.
        """
        self._config, self._pieces, self._release = config, pieces, release
        self._closed = threading.Event()
        self._ending = threading.Lock()
        self._ended = False

    def send(self, value: None) -> Event:
        """The next event; Interrupted where the node, or the process there, died."""
        try:
            piece = self._next()
        except RayError as error:
            closed = self._closed.is_set()
            self.close()
            if closed:
                raise StopIteration from None
            raise _interrupted(error, self._config) from error
        if piece is None:
            self.close()
            raise StopIteration
        if piece[:1] == INTERRUPTED:
            self.close()
            raise Interrupted(*json.loads(piece[1:]))
        return _event(piece)

    def close(self) -> None:
        """Ends the training process on its node, and gives the place back; a second call does nothing more."""
        self._closed.set()
        with self._ending:
            if self._ended:
                return
            self._ended = True
            with suppress(RayError):  # the node is gone, and all with it
                self._end()
            self._release()

    def _end(self) -> None:
        done = self._pieces.completed()
        if not ray.wait([done], timeout=0)[0]:
            ray.cancel(self._pieces)
            if not ray.wait([done], timeout=GRACE_SECONDS)[0]:
                ray.cancel(self._pieces, force=True)

    def _next(self) -> bytes | None:
        while not self._closed.is_set():
            ready, _ = ray.wait([self._pieces], timeout=_LOOK_SECONDS)
            if ready:
                try:
                    piece: bytes = ray.get(next(self._pieces))
                except StopIteration:
                    return None
                return piece
        return None


def _event(piece: bytes) -> Event:
    try:
        event = read_frame(io.BytesIO(piece[1:]))
    except FrameBroken as error:
        return RunFailed(reason=f"The node sent an invalid message: {error}.")
    if event is None or isinstance(event, Begun):
        return RunFailed(reason="The node sent an invalid message: an event is incomplete.")
    return event


def _interrupted(error: RayError, config: RunConfig) -> Interrupted:
    """What became of the node or the task, in a sentence."""
    details = str(error)[-8_000:]
    if isinstance(error, NodeDiedError):
        return Interrupted(
            "The node that trained the run died.", "The log of Ray on that machine may say why.", details
        )
    if isinstance(error, OutOfMemoryError):
        return Interrupted(
            "Ray ended the run, because its node was short of memory.",
            f"Let it ask for more in compute.memory_gib, or: {less_memory(config)}",
            details,
        )
    if isinstance(error, WorkerCrashedError):
        return Interrupted("Ray's process for the run was killed.", "Ray's log on its node may say why.", details)
    return Interrupted(
        f"Ray could not go on with the run ({type(error).__name__}).",
        "The run's log has what Ray said; the nodes may differ in what is installed.",
        details,
    )
