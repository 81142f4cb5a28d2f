"""Standard output and error, which go where they went and into the run's log."""

import sys
from collections.abc import Callable
from typing import Any


class CapturedStream:
    """Stands in for a text stream: writes through, and hands on what was written.

    Attributes:
        neq_original: the stream that it stands in for.
    """

    def __init__(self, stream: Any, name: str, tell: Callable[[str, str], None]) -> None:
        self.neq_original, self._name = stream, name
        self._tell: Callable[[str, str], None] | None = tell

    def write(self, text: str) -> int:
        """As the stream's own; the run's log never makes it fail."""
        written: int = self.neq_original.write(text)
        tell = self._tell
        if tell is not None and text:
            tell(text, self._name)
        return written

    def writelines(self, lines: Any) -> None:
        """As the stream's own."""
        for line in lines:
            self.write(line)

    def let_go(self) -> None:
        """From now on it only writes through: somebody may keep it beyond the run."""
        self._tell = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.neq_original, name)

    def __iter__(self) -> Any:
        return iter(self.neq_original)


class Capture:
    """Both streams, from `start` to `stop`.

    Args:
        tell: called with each piece of text and the stream's name, in the thread that prints it.
    """

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._tell = tell
        self._streams: dict[str, CapturedStream] = {}

    def start(self) -> None:
        """Puts a stand-in before each stream that there is."""
        for name in ("stdout", "stderr"):
            if (stream := getattr(sys, name)) is not None:
                self._streams[name] = CapturedStream(stream, name, self._tell)
                setattr(sys, name, self._streams[name])

    def stop(self) -> None:
        """Puts the streams back, unless somebody has put another one there since."""
        for name, captured in self._streams.items():
            captured.let_go()
            if getattr(sys, name) is captured:
                setattr(sys, name, captured.neq_original)
        self._streams = {}

    def let_go(self) -> None:
        """In a forked child: what it prints is not the run's."""
        for captured in self._streams.values():
            captured.let_go()
