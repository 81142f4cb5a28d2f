"""What a training prints, as lines for the run's log."""

import re
import time

from neq.recording.facts import Printed, Said

MOST_CHARACTERS = 60_000
"""Of one event; the contract allows 65,536."""
MOST_A_TURN = 200_000
"""Characters that are taken in one go: a training that prints megabytes per second has something else to look at."""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class PrintedLines:
    """Puts text that comes in pieces together to lines.

    Of a line that was written over, as progress bars do with carriage returns, the last state counts.
    """

    def __init__(self) -> None:
        self._open: dict[str, str] = {}
        self._lines: list[str] = []
        self._size = 0
        self._left_out = 0

    def add(self, printed: Printed) -> None:
        """Takes a piece."""
        *whole, rest = (self._open.get(printed.stream, "") + printed.text).split("\n")
        written_over = rest.rstrip("\r").rfind("\r") + 1
        self._open[printed.stream] = rest[written_over:][-MOST_CHARACTERS:]
        for line in whole:
            self._take(line)

    def _take(self, line: str) -> None:
        seen = [state for state in _ESCAPES.sub("", line).split("\r") if state.strip()]
        if not seen:
            return
        text = seen[-1].rstrip()
        if self._size > MOST_A_TURN:
            self._left_out += 1
            return
        self._size += len(text) + 1
        self._lines.append(text[:MOST_CHARACTERS])

    def lines(self) -> list[Said]:
        """The lines that are whole by now, as few events."""
        if self._left_out:
            self._lines.append(f"[{self._left_out:,} more lines are left out]")
        texts: list[str] = []
        block: list[str] = []
        size = 0
        for line in self._lines:
            if size + len(line) > MOST_CHARACTERS and block:
                texts.append("\n".join(block))
                block, size = [], 0
            block.append(line)
            size += len(line) + 1
        if block:
            texts.append("\n".join(block))
        self._lines, self._size, self._left_out = [], 0, 0
        now = time.time()
        return [Said({"kind": "logged", "level": "info", "text": text}, now, vital=False) for text in texts]

    def rest(self) -> list[Said]:
        """Everything, also lines that never ended."""
        for text in self._open.values():
            self._take(text)
        self._open = {}
        return self.lines()
