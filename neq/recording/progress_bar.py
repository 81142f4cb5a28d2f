"""How much of a run is sent, at its end."""

import contextlib
import sys
import time

_WIDTH = 30
_SILENT_SECONDS = 0.5


class ProgressBar:
    """A bar on standard error, where somebody watches a terminal; one line where nobody does.

    Args:
        parts: how many are to be sent.
    """

    def __init__(self, parts: int) -> None:
        self._parts, self._shown = max(parts, 1), False
        self._from = time.monotonic() + _SILENT_SECONDS
        self._terminal = bool(getattr(sys.stderr, "isatty", bool)())

    def show(self, left: int, seconds: float) -> None:
        """Draws it.

        Args:
            left: parts not sent yet.
            seconds: for which it will be waited at most.
        """
        if time.monotonic() < self._from or (self._shown and not self._terminal):
            return
        self._parts = max(self._parts, left)
        done = self._parts - left
        full = _WIDTH * done // self._parts
        bar = (
            f"NEq: sending [{'#' * full}{'.' * (_WIDTH - full)}] {done} of {self._parts} parts, {seconds:.0f} s at most"
        )
        self._write(f"\r{bar}" if self._terminal else f"{bar}\n")
        self._shown = True

    def end(self) -> None:
        """Leaves the line."""
        if self._shown and self._terminal:
            self._write("\n")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(text)
            sys.stderr.flush()
