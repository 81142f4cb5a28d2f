"""How events travel from the training process to its parent: JSON with the neurons' arrays behind it.

A frame is two little-endian u32, the lengths of its parts; then the JSON object {"event": …, "snapshots": table}; then
the arrays that the table describes, packed as in a run file. Nothing in it can name code, unlike a pickle. A frame of
no bytes says that training has begun.
"""

import json
import struct
from typing import BinaryIO

from contract.events import EpochFinished, Event, parse_event
from contract.snapshot_arrays import pack, table_of, unpack

_LENGTHS = struct.Struct("<II")
LARGEST = 1 << 30


class Begun:
    """The process has imported what it needs, and begins with the run."""


class FrameBroken(Exception):
    """What arrived is not a frame: the other side is another version, or wrote into the pipe by mistake."""


def write_frame(pipe: BinaryIO, event: Event) -> None:
    """Writes one event, wholly."""
    snapshots = event.snapshots if isinstance(event, EpochFinished) else ()
    arrays, head = pack(snapshots), {"event": event.model_dump(mode="json"), "snapshots": table_of(snapshots)}
    text = json.dumps(head, separators=(",", ":")).encode()
    pipe.write(_LENGTHS.pack(len(text), len(arrays)) + text + arrays)
    pipe.flush()


def write_begun(pipe: BinaryIO) -> None:
    """Says that training has begun."""
    pipe.write(_LENGTHS.pack(0, 0))
    pipe.flush()


def read_frame(pipe: BinaryIO) -> Event | Begun | None:
    """The next event, or that training has begun.

    None at the end of the pipe, also in the middle of a frame (its writer died).

    Raises:
        FrameBroken: the bytes are no frame, or the event in it is none.
    """
    lengths = pipe.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    text_length, arrays_length = _LENGTHS.unpack(lengths)
    if text_length == arrays_length == 0:
        return Begun()
    if max(text_length, arrays_length) > LARGEST:
        raise FrameBroken(f"an event of {text_length:,} + {arrays_length:,} bytes was announced")
    text, arrays = pipe.read(text_length), pipe.read(arrays_length)
    if len(text) < text_length or len(arrays) < arrays_length:
        return None
    try:
        head = json.loads(text)
        event = parse_event(head["event"])
        rows = unpack(head["snapshots"], arrays)
    except (ValueError, LookupError, TypeError) as error:
        raise FrameBroken(f"an event arrived that cannot be read: {error}") from error
    return event.model_copy(update={"snapshots": rows}) if rows else event
