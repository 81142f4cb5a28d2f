"""A part that the server does not take for what it says: its events go one by one, and words in place of those that
are to blame, so that everything behind them is not held up for ever."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from neq.recording.part import Part, encoded, numbered, pack_part
from neq.recording.transport import Answer

LONGEST_REASON = 500


def one_by_one(part: Part, acknowledged: int, send: Callable[[bytes], Answer]) -> Iterator[Answer]:
    """Sends each event of a part that the server does not have, until one does not go through.

    Args:
        part: as it was refused.
        acknowledged: up to where the server has all events.
        send: sends the bytes of a part.

    Yields:
        The answer to each event, or to the words in its place.
    """
    for line in part.lines:
        if line["seq"] <= acknowledged:
            continue
        arrays = part.arrays if line is part.lines[-1] else b""
        answer = send(pack_part(part.run, part.writer, line["seq"], [encoded(line)], arrays))
        if answer.is_about_the_part:
            words = _words(line, answer.detail)
            answer = send(pack_part(part.run, part.writer, line["seq"], [encoded(words)]))
        yield answer
        if answer.outcome != "taken":
            return


def _words(line: dict[str, Any], why: str) -> dict[str, Any]:
    """What stands in the run's log instead."""
    kind = str(line["event"].get("kind"))
    text = f"An event ({kind}) of this run could not be stored: {why[:LONGEST_REASON]}"
    return numbered(line["seq"], time.time(), {"kind": "logged", "level": "error", "text": text})
