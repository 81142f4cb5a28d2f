"""Parts of a run, as a recorder in somebody's script sends them (docs/run-file.md, *Parts by themselves*)."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.events import Event, WatchStarted
from contract.runfile.header import RunFileBroken
from contract.runfile.lines import Line, announced_bytes, event_of, first_error, line_of, with_snapshots

LARGEST_PART = 64 * 2**20
"""Bytes as they are sent."""
LARGEST_LINES = 32 * 2**20
LARGEST_ARRAYS = 512 * 2**20
MOST_LINES = 500
LONGEST_HEADER = 1_000

RunId = Annotated[str, Field(pattern="^[a-z0-9]{10}$")]
WriterId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class PartHeader(BaseModel):
    """The first line of a part."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    format: Literal["neq-part"]
    version: Literal[1]
    run: RunId
    writer: WriterId
    first: int = Field(ge=1, le=2**53, description="Number of the first event, or of the next one where there is none.")
    events: int = Field(ge=0, le=LARGEST_LINES, description="Bytes of the lines, unpacked.")
    arrays: int = Field(ge=0, le=LARGEST_ARRAYS, description="Bytes of the arrays, unpacked.")


@dataclass(frozen=True, slots=True)
class Part:
    """Events of a run in order, and the arrays of the last one."""

    header: PartHeader
    lines: tuple[Line, ...]
    packed: bytes

    @property
    def last(self) -> int:
        """The number of the last event; that before the first one where there is none."""
        return self.header.first + len(self.lines) - 1

    def events(self, neurons: Mapping[int, int]) -> Iterator[tuple[Line, Event]]:
        """The events, their arrays checked against the layers.

        Args:
            neurons: of each layer that the run has announced before, by index; those that the part announces count
                from there on.
        Raises:
            RunFileBroken: an event is of no kind that is known here, or says what cannot be.
        """
        known = dict(neurons)
        for line in self.lines:
            event = event_of(line)
            if event is None:
                raise RunFileBroken(f"Event {line.seq} is of the unknown kind {str(line.event.get('kind'))[:40]!r}.")
            if line.snapshots:
                event = with_snapshots(event, line, self.packed, known, holds_phi=False)
            if isinstance(event, WatchStarted):
                known |= {layer.index: layer.neurons for layer in event.layers}
            yield line, event


def read_part(body: bytes) -> Part:
    """A part from its bytes.

    Raises:
        RunFileBroken: it is none, or does not hold what its header says.
    """
    head, found, packed = body.partition(b"\n")
    if not found or len(head) > LONGEST_HEADER:
        raise RunFileBroken("It does not begin with the header of a part.")
    try:
        header = PartHeader.model_validate_json(head)
    except ValidationError as error:
        raise RunFileBroken(f"Its header, {first_error(error)}") from error
    content = _unpacked(packed, header.events + header.arrays)
    lines = tuple(line_of(text) for text in content[: header.events].splitlines() if text)
    arrays = content[header.events :]
    if len(lines) > MOST_LINES:
        raise RunFileBroken(f"It has {len(lines)} events; {MOST_LINES} are the most.")
    if [line.seq for line in lines] != list(range(header.first, header.first + len(lines))):
        raise RunFileBroken(f"The numbers of its events do not rise by one from {header.first} on.")
    if any(line.snapshots for line in lines[:-1]) or announced_bytes(list(lines)) != len(arrays):
        raise RunFileBroken("It announces other arrays than it has.")
    return Part(header, lines, arrays)


def _unpacked(packed: bytes, size: int) -> bytes:
    """Exactly so many bytes, however many the stream would give."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(packed, size + 1)
    except zlib.error as error:
        raise RunFileBroken(f"It does not unpack ({error}).") from error
    if len(content) != size or not stream.eof or stream.unused_data:
        raise RunFileBroken("It has other bytes than its header says.")
    return content
