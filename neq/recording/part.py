"""A part of a recording: some events in order, and the arrays of the last one. The bytes on disk and on the wire alike.

Source: docs/run-file.md, *Parts by themselves*; `contract` has the other codec, and a test holds both to one fixture.
"""

import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from neq.recording.legible import legible

FORMAT, VERSION = "neq-part", 1
MOST_LINES = 500
LARGEST_HEADER = 1_000
_HALF = re.compile("[\ud800-\udfff]")
_QUICK = 1
"""Of zlib's levels: within 10 % of the default's size on arrays that lie plane by plane, in a fifth of the time."""


@dataclass(frozen=True)
class Part:
    """A part, read.

    Attributes:
        run: the run's id.
        writer: who wrote it.
        first: the number of its first event, or of the next one where it has none.
        lines: the events, each `{"seq", "at", "event"}` and, the last, perhaps `snapshots`.
        arrays: as in a run file; empty where no line has snapshots.
    """

    run: str
    writer: str
    first: int
    lines: tuple[dict[str, Any], ...]
    arrays: bytes

    @property
    def last(self) -> int:
        """The number of its last event; the one before `first` where it has none."""
        return self.first + len(self.lines) - 1


def encoded(line: dict[str, Any]) -> bytes:
    """One event as a line; what is no character is written out.

    Raises:
        ValueError: a number in it is not finite.
    """
    text = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return _HALF.sub(lambda half: json.dumps(legible(half[0]))[1:-1], text).encode() + b"\n"


def numbered(seq: int, at: float, event: dict[str, Any]) -> dict[str, Any]:
    """An event under its number.

    Args:
        at: seconds since 1970.
    """
    return {"seq": seq, "at": datetime.fromtimestamp(at, UTC).isoformat(), "event": event}


def pack_part(run: str, writer: str, first: int, lines: Sequence[bytes] = (), arrays: bytes = b"") -> bytes:
    """The bytes of a part.

    Args:
        lines: of `encoded`.
        arrays: of the last line.
    """
    events = b"".join(lines)
    header = {"format": FORMAT, "version": VERSION, "run": run, "writer": writer, "first": first}
    packing = zlib.compressobj(_QUICK)
    body = packing.compress(events) + packing.compress(arrays) + packing.flush()
    return encoded(header | {"events": len(events), "arrays": len(arrays)}) + body


def unpack_part(data: bytes) -> Part:
    """A part that this library wrote, in another process perhaps.

    Raises:
        ValueError: these are not the bytes of a part, or not all of them.
    """
    end = data.find(b"\n", 0, LARGEST_HEADER)
    try:
        header = json.loads(data[: max(end, 0)])
        if header["format"] != FORMAT or header["version"] > VERSION:
            raise ValueError("it is of another format, or of a later version")
        unpacked = zlib.decompress(data[end + 1 :])
        events, arrays = unpacked[: header["events"]], unpacked[header["events"] :]
        if len(unpacked) != header["events"] + header["arrays"]:
            raise ValueError("it is incomplete")
        lines = tuple(json.loads(line) for line in events.splitlines())
        return Part(header["run"], header["writer"], header["first"], lines, arrays)
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise ValueError(f"not a part of a recording ({error})") from error
