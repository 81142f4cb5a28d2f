"""The thread that makes parts of what the training's thread says, and puts them on disk."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from neq.recording.draft import Draft
from neq.recording.facts import Closing, EpochEnded, Fact, Points, Printed, Progress, Said
from neq.recording.listener import Listener, Told
from neq.recording.part import pack_part
from neq.recording.printed import PrintedLines
from neq.recording.spool import MOST_IN_MEMORY, Spool
from neq.recording.telling import Warner

BOUND = 10_000
"""Facts in the queue: behind that the training waits for the spool's disk, at most `LONGEST_WAIT`."""
LONGEST_WAIT = 10.0
LONGEST_EPOCH_WAIT = 1.0
PART_SECONDS = 1.0
POLL_SECONDS = 0.25


class Recorder:
    """A daemon thread between the training and the spool.

    The training's calls append to a queue and return; only an epoch's end wakes the thread, so that thousands of logged
    numbers cost one turn of it.

    Args:
        spool: takes the parts.
        first: the number of the first event.
        begin: gives what the run starts with, on the recorder's thread: asking git takes a while.
        sample: gives what the machine does, asked every few seconds; None: nobody asks.
        listeners: are told what the training says.
    """

    def __init__(
        self,
        spool: Spool,
        warner: Warner,
        first: int,
        begin: Callable[[], list[Said]],
        sample: Callable[[], Points | None] | None = None,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._spool, self._warner, self._begin, self._sample = spool, warner, begin, sample
        self._listeners = listeners
        self._seq = first
        self._facts: deque[Fact] = deque()
        self._wake, self._room = threading.Event(), threading.Event()
        self._draft = Draft()
        self._printed = PrintedLines()
        self._left_out = 0
        self._stuck = False
        self._epochs, self._fewer_epochs = 0, threading.Condition()
        self._is_slow = False
        self._thread = threading.Thread(target=self._work, name="neq-recorder", daemon=True)

    @property
    def queued(self) -> int:
        """How many facts wait to become part of a part."""
        return len(self._facts)

    def start(self) -> None:
        """Starts recording."""
        self._thread.start()

    def tell(self, fact: Fact) -> None:
        """Takes a fact from any thread. Metrics and text are left out where the disk hangs; everything else stays.

        An epoch waits for the one before it to be in the spool, so that a process that is killed loses no more than its
        last. In most trainings that one has been there for long.
        """
        if isinstance(fact, EpochEnded):
            self._wait_for_epochs()
        if len(self._facts) >= BOUND and not self._has_room(fact):
            self._left_out += 1
            return
        self._facts.append(fact)
        if isinstance(fact, EpochEnded | Closing) or len(self._facts) == BOUND // 2:
            self._wake.set()

    def _wait_for_epochs(self) -> None:
        """Once; where that did not help, the training waits no more until the recorder's thread has caught up."""
        with self._fewer_epochs:
            if self._epochs and not self._is_slow:
                self._is_slow = not self._fewer_epochs.wait_for(lambda: not self._epochs, LONGEST_EPOCH_WAIT)
            self._epochs += 1

    def _epoch_is_in_spool(self) -> None:
        with self._fewer_epochs:
            self._epochs -= 1
            self._is_slow = self._is_slow and self._epochs > 0
            self._fewer_epochs.notify_all()

    def _has_room(self, fact: Fact) -> bool:
        """Waits for the recorder's thread once; where that did not help, the training waits no more for it."""
        if isinstance(fact, EpochEnded | Closing) or (isinstance(fact, Said) and fact.vital):
            return True
        if threading.current_thread() is self._thread:
            return False
        self._room.clear()
        self._wake.set()
        if len(self._facts) >= BOUND and not self._stuck:
            self._stuck = not self._room.wait(LONGEST_WAIT)
        return len(self._facts) < BOUND

    def close(self, last: list[Said], seconds: float) -> bool:
        """Tells the run's last events and waits until everything is in the spool; whether it is."""
        self.tell(Closing(last))
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        closing: Closing | None = None
        self._guarded(self._take_first)
        while closing is None:
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()
            if self._sample is not None and (points := self._guarded(self._sample)):
                self._draft.add(points, time.monotonic())
            closing = self._take_all()
            self._room.set()
            self._stuck = False
            if self._draft.since is not None and time.monotonic() - self._draft.since >= PART_SECONDS:
                self._guarded(self._close_part)
            elif self._spool.disk_error is not None:
                self._guarded(self._spool.keep)
        self._guarded(lambda: self._take_last(closing))
        for listener in self._listeners:
            self._guarded(listener.close)

    def _guarded(self, do: Callable[[], Any]) -> Any:
        """A defect costs what it was about, never the thread."""
        try:
            return do()
        except Exception as error:
            self._warner.warn("defect", f"something is not recorded ({type(error).__name__}: {error})")
            return None

    def _take_first(self) -> None:
        for said in self._begin():
            self._draft.add(said, time.monotonic())
        self._close_part()

    def _take_last(self, closing: Closing) -> None:
        for said in self._printed.rest():
            self._draft.add(said, time.monotonic())
        if self._left_out:
            self._tell_left_out()
        for said in closing.said:  # nothing may follow it
            self._draft.add(said, time.monotonic())
        self._close_part()

    def _take_all(self) -> Closing | None:
        for _ in range(len(self._facts)):
            fact = self._facts.popleft()
            if isinstance(fact, Closing):
                return fact
            self._guarded(lambda fact=fact: self._take(fact))  # type: ignore[misc]
            if isinstance(fact, EpochEnded):
                self._epoch_is_in_spool()
            if isinstance(fact, Said | Points | EpochEnded):
                self._tell_listeners(fact)
        for said in self._printed.lines():
            self._draft.add(said, time.monotonic())
        return None

    def _tell_listeners(self, fact: Told) -> None:
        for listener in self._listeners:
            self._guarded(partial(listener.take, fact))

    def _take(self, fact: Said | Points | Progress | EpochEnded | Printed) -> None:
        if isinstance(fact, Printed):
            self._printed.add(fact)
        elif isinstance(fact, EpochEnded):
            self._close_part(fact)
        elif self._may_grow(vital=isinstance(fact, Said) and fact.vital):
            self._draft.add(fact, time.monotonic())
            if self._draft.is_full:
                self._close_part()

    def _may_grow(self, *, vital: bool) -> bool:
        """Whether there is room for it where the disk takes nothing: half of the memory is for epochs alone, and the
        few events without which a run cannot be read always fit. Left out is what has no number yet, so that the
        numbers stay without gaps."""
        if vital or self._spool.disk_error is None or self._spool.bytes_in_memory < MOST_IN_MEMORY // 2:
            return True
        self._left_out += 1
        return False

    def _close_part(self, ended: EpochEnded | None = None) -> None:
        if ended is not None and self._spool.disk_error and self._spool.bytes_in_memory > MOST_IN_MEMORY:
            self._left_out += 1
            ended = None
        if self._left_out and self._spool.disk_error is None:
            self._tell_left_out()
        draft, self._draft = self._draft, Draft()
        if draft.is_empty and ended is None:
            return
        lines, arrays = draft.lines(self._seq, ended)
        if not lines:
            return
        description = self._spool.description
        data = pack_part(str(description["id"]), str(description["writer"]), self._seq, lines, arrays)
        last = self._seq + len(lines) - 1
        first, self._seq = self._seq, last + 1
        self._spool.add(first, last, data, durable=ended is not None)
        if self._spool.disk_error is not None:
            self._warner.warn(
                "disk",
                f"{self._spool.folder} cannot be written ({self._spool.disk_error}): make room there. Until then the "
                f"recording is kept in memory, up to {MOST_IN_MEMORY >> 20} MiB",
            )

    def _tell_left_out(self) -> None:
        left, self._left_out = self._left_out, 0
        event = {
            "kind": "logged",
            "level": "warning",
            "text": f"{left:,} logged values, lines or epochs were left out of the recording: its disk took nothing.",
        }
        self._draft.add(Said(event, time.time()), time.monotonic())
