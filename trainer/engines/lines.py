"""The log of a training process, bounded: a program that prints without end must not fill the store."""

import threading
import time
from collections import deque

from contract.events import Logged

BURST_LINES = 200
LINES_PER_SECOND = 20.0
LONGEST_LINE = 2_000
LONGEST_PIECE = LONGEST_LINE * 4
"""Bytes of a line that has not ended: more are taken for one."""
TAIL_LINES = 40
PAUSE_SECONDS = 0.5
"""Between two batches, so at most two log events a second."""


class LogLines:
    """Collects lines as they come, and hands them out in batches; says how many were left out. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._left_out = 0
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._rest = b""
        self._allowance = float(BURST_LINES)
        self._refilled = self._taken = self.fed_at = time.monotonic()

    def feed(self, data: bytes) -> None:
        """Takes a piece of output as it was read; no data means that it is over."""
        with self._lock:
            self.fed_at = time.monotonic()
            *lines, self._rest = (self._rest + data).split(b"\n")
            if self._rest and (not data or len(self._rest) > LONGEST_PIECE):
                lines.append(self._rest)
                self._rest = b""
            for line in lines:
                self._add(line)

    def take(self, *, now: bool = False) -> Logged | None:
        """The lines since the last batch, if there are some and it is time (or `now`)."""
        with self._lock:
            if not self._lines and not self._left_out:
                return None
            if not now and time.monotonic() < self._taken + PAUSE_SECONDS:
                return None
            lines, left_out = self._lines, self._left_out
            self._lines, self._left_out, self._taken = [], 0, time.monotonic()
        if left_out:
            lines.append(f"… {left_out:,} more lines were printed and are left out here")
        return Logged(text="\n".join(lines)[-65_000:])

    def tail(self) -> str:
        """The last lines of all, whether they were handed out or not."""
        with self._lock:
            return "\n".join(self._tail)

    def _add(self, raw: bytes) -> None:
        # A progress bar rewrites its line after each \r: what a terminal would show at the end is what counts.
        line = raw.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace").rstrip()
        line = line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} … (cut)"
        self._tail.append(line)
        moment = time.monotonic()
        self._allowance += (moment - self._refilled) * LINES_PER_SECOND
        self._allowance, self._refilled = min(self._allowance, float(BURST_LINES)), moment
        if self._allowance >= 1 and sum(map(len, self._lines)) < 32_000:
            self._allowance -= 1
            self._lines.append(line)
        else:
            self._left_out += 1
