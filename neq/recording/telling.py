"""What is said to the person at the terminal: lines on standard error, and warnings that never break a training."""

import contextlib
import sys
import warnings

from neq.errors import NEqRecordingWarning


def say(line: str) -> None:
    """One line on standard error, past what captures it."""
    stream = getattr(sys.stderr, "neq_original", sys.stderr)
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or there is none
        stream.write(f"NEq: {line}\n")
        stream.flush()


class Warner:
    """Warns of each kind of trouble once in a run."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def warn(self, kind: str, text: str) -> None:
        """Warns, unless it has of this kind; where warnings are errors, it is a line on standard error instead."""
        if kind in self._told:
            return
        self._told.add(kind)
        try:
            warnings.warn(text, NEqRecordingWarning, stacklevel=4)
        except NEqRecordingWarning:
            say(text)
