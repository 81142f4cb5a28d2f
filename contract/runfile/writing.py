"""A run file, written piece by piece: into a file or over a network, with one epoch in memory at a time."""

import io
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from contract.events import LayerSnapshot
from contract.runfile.header import HEADER_NAME, LINES_A_PART, FileHeader, RunHeader, part_names
from contract.snapshot_arrays import holds_phi, pack, table_of
from contract.version import VERSION

_QUICK = 1
"""Deflate's quickest level: higher ones take three times as long for one per cent."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that a run said, and what its neurons did until then."""

    seq: int
    at: datetime
    text: str
    """The event's JSON, as it is stored."""
    snapshots: tuple[LayerSnapshot, ...] = ()


def run_file_chunks(run: RunHeader, moments: Iterable[Moment]) -> Iterator[bytes]:
    """The file's bytes, in pieces of about an epoch; their concatenation is the file.

    Args:
        run: what the header says of it.
        moments: all of them, in the order of their numbers.
    """
    pipe = _Pipe()
    with ZipFile(pipe, "w", ZIP_DEFLATED, compresslevel=_QUICK) as file:
        header = FileHeader(program=VERSION, run=run)
        file.writestr(HEADER_NAME, header.model_dump_json(indent=1))
        for number, part in enumerate(_parts(moments)):
            events, arrays = part_names(number)
            file.writestr(events, "".join(map(_line, part)))
            snapshots = part[-1].snapshots
            if snapshots:
                _write_arrays(file, arrays, pack(snapshots))
            yield pipe.take()
    yield pipe.take()


def _parts(moments: Iterable[Moment]) -> Iterator[list[Moment]]:
    """Each ends with the epoch whose arrays it brings, or where it has grown long."""
    part: list[Moment] = []
    for moment in moments:
        part.append(moment)
        if moment.snapshots or len(part) >= LINES_A_PART:
            yield part
            part = []
    if part:
        yield part


def _line(moment: Moment) -> str:
    at = json.dumps(moment.at.isoformat())
    table = f',"snapshots":{json.dumps(table_of(moment.snapshots))}' if moment.snapshots else ""
    table += ',"phi":true' if holds_phi(moment.snapshots) else ""
    return f'{{"seq":{moment.seq},"at":{at},"event":{moment.text}{table}}}\n'


def _write_arrays(file: ZipFile, name: str, packed: bytes) -> None:
    """Deflated, unless it is noise that cannot be."""
    sample = packed[: 1 << 16]
    shrinks = len(zlib.compress(sample, _QUICK)) < 0.98 * len(sample)
    file.writestr(name, packed, ZIP_DEFLATED if shrinks else ZIP_STORED)


class _Pipe(io.RawIOBase):
    """What has been written and not yet been taken. It cannot seek, so the archive is written in one go."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._written.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken
