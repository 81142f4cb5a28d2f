"""Lines of events, as run files and parts have them; nothing in them is believed."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.events import EpochFinished, Event, parse_event
from contract.runfile.header import LARGEST_ARRAYS, RunFileBroken
from contract.snapshot_arrays import Sizes, unpack


class Line(BaseModel):
    """One event under its number, and the sizes of the arrays that belong to it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seq: int = Field(ge=0)
    at: datetime
    event: dict[str, Any]
    snapshots: list[list[int | None]] = []
    phi: bool | None = None
    """Whether the first array is φ itself; None: as of the file's version."""


NOT_FINITE = ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "frozen_fraction")
"""Figures that a launched run always has: null stands for what was not finite, since JSON has no NaN."""


def event_of(line: Line, *, launched: bool = False) -> Event | None:
    """A line's event, checked; None: of a kind that this program does not know.

    Args:
        line: as it stands.
        launched: whether a worker of ours said it.
    Raises:
        RunFileBroken: it is no event.
    """
    try:
        return parse_event(_with_numbers(line.event) if launched else line.event)
    except ValidationError as error:
        wrong = error.errors()[0]["type"]
        if wrong == "union_tag_invalid":
            return None
        if wrong == "union_tag_not_found":
            raise RunFileBroken(f"Event {line.seq} names no kind.") from error
        raise RunFileBroken(f"Event {line.seq}, {first_error(error)}") from error


def _with_numbers(event: dict[str, Any]) -> dict[str, Any]:
    return {name: float("nan") if value is None and name in NOT_FINITE else value for name, value in event.items()}


def with_snapshots(event: Event | None, line: Line, packed: bytes, neurons: dict[int, int], holds_phi: bool) -> Event:
    """The epoch with the arrays that its line announces, checked against the layers.

    Args:
        event: the line's.
        line: as it stands.
        packed: the arrays of its part.
        neurons: of each layer that was announced, by index.
        holds_phi: the first array is φ itself.
    Raises:
        RunFileBroken: they do not suit the epoch or its layers.
    """
    if not isinstance(event, EpochFinished):
        raise RunFileBroken(f"Event {line.seq} has arrays and finishes no epoch.")
    for row in line.snapshots:
        if not _sound(row, neurons):
            raise RunFileBroken(f"Event {line.seq} announces arrays that no layer of its run has: {str(row)[:80]}.")
    if len({row[0] for row in line.snapshots}) < len(line.snapshots):
        raise RunFileBroken(f"Event {line.seq} announces a layer twice.")
    try:
        return event.model_copy(update={"snapshots": unpack(line.snapshots, packed, phi=holds_phi)})
    except ValueError as error:
        raise RunFileBroken(f"Event {line.seq}: {error}.") from error


def _sound(row: Sizes, neurons: dict[int, int]) -> bool:
    """Whether a row of the table is one that the layer can have."""
    if len(row) != 6 or row[0] is None or row[0] not in neurons or row[1] != neurons[row[0]]:
        return False
    floats, bits = 4 * neurons[row[0]], (neurons[row[0]] + 7) // 8
    return all(size in (None, floats) for size in row[2:4]) and row[4:] == [bits, bits]


def announced_bytes(lines: list[Line]) -> int:
    """The bytes of the arrays that a part announces; whether they suit the layers is looked at later."""
    sizes = [size for line in lines for row in line.snapshots for size in row[2:] if size is not None]
    if any(size < 0 for size in sizes) or sum(sizes) > LARGEST_ARRAYS:
        raise RunFileBroken("It announces arrays of a size that no network has.")
    return sum(sizes)


def line_of(text: bytes) -> Line:
    """A line as it stands in a file."""
    try:
        return Line.model_validate_json(text)
    except ValidationError as error:
        raise RunFileBroken(f"A line of events, {first_error(error)}") from error


def first_error(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))[:100]}: {found['msg'][:200]}."
