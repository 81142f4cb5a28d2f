"""Lines of events, as run files and parts have them; nothing in them is believed."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from contract.events import EpochFinished, Event, parse_event
from contract.metrics import LARGEST
from contract.runfile.header import LARGEST_ARRAYS, RunFileBroken
from contract.snapshot_arrays import Sizes, unpack

_LONG = re.compile(rb"(?<![\d.])\d{16,}(?![\d.eE])")
"""A whole number that may be too large, as text: most digits by far are those behind a point."""


def _of_our_time(at: datetime) -> datetime:
    """The edges of the calendar have no other time zones: converting them fails in Python or in the database."""
    if not 1970 <= at.year < 9999:
        raise ValueError(f"{at.isoformat()} is not between the years 1970 and 9998")
    return at.astimezone(UTC)


class Line(BaseModel):
    """One event under its number, and the sizes of the arrays that belong to it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    seq: int = Field(ge=0, le=LARGEST)
    at: Annotated[AwareDatetime, AfterValidator(_of_our_time)]
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
        line = Line.model_validate_json(text)
    except ValidationError as error:
        raise RunFileBroken(f"A line of events, {first_error(error)}") from error
    if _LONG.search(text) and (number := _too_large(line.event)) is not None:
        raise RunFileBroken(f"Event {line.seq} has a whole number of {number.bit_length()} bits; 53 are the most.")
    return line


def _too_large(value: Any) -> int | None:
    """A whole number in it that neither a browser nor every database holds."""
    if isinstance(value, int):
        return None if abs(value) <= LARGEST else value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for each in inside if (found := _too_large(each)) is not None), None)


def first_error(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))[:100]}: {found['msg'][:200]}."
