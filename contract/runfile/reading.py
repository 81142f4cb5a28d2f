"""Reading a run file that somebody gave us: nothing in it is believed, executed, unpickled or used as a path."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.events import EpochFinished, Event, RunStarted, parse_event
from contract.runfile.header import (
    FORMAT,
    HEADER_NAME,
    LARGEST_ARRAYS,
    LARGEST_EVENTS,
    LARGEST_HEADER,
    VERSION,
    FileHeader,
    RunFileBroken,
    RunHeader,
    part_names,
)
from contract.snapshot_arrays import Sizes, unpack

_PIECE = 1 << 20
_ENCRYPTED = 1


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    seq: int = Field(ge=0)
    at: datetime
    event: dict[str, Any]
    snapshots: list[list[int | None]] = []


class RunFile:
    """An open run file; a context manager."""

    def __init__(self, archive: ZipFile, header: FileHeader) -> None:
        self._archive = archive
        self.header: RunHeader = header.run

    @classmethod
    def open(cls, path: Path) -> Self:
        """Opens a file and reads its header.

        Raises:
            RunFileBroken: it is no run file, is damaged, or is of a newer version than this program knows.
            OSError: it cannot be read at all.
        """
        try:
            archive = ZipFile(path)
        except OSError:
            raise
        except Exception as error:  # whatever a foreign file makes the reader trip over
            raise RunFileBroken(f"{path} is not a run file, or it is incomplete ({_cause(error)}).") from error
        try:
            with _damage_named():
                return cls(archive, _header(archive))
        except BaseException:
            archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def events(self) -> Iterator[Event]:
        """What the run said, in its order; finished epochs with their snapshots, exactly as they were stored.

        Kinds that this program does not know are passed over.

        Raises:
            RunFileBroken: the file contradicts itself or its format.
        """
        with _damage_named():
            yield from self._events()

    def _events(self) -> Iterator[Event]:
        neurons: dict[int, int] = {}
        before = 0
        for line, packed in self._lines():
            if line.seq <= before:
                raise RunFileBroken(f"Event {line.seq} stands behind event {before}: they must rise.")
            before = line.seq
            event = _event(line)
            if isinstance(event, RunStarted):
                neurons = {layer.index: layer.neurons for layer in event.layers}
            if line.snapshots:
                event = _with_snapshots(event, line, packed, neurons)
            if event is not None:
                yield event

    def _lines(self) -> Iterator[tuple[_Line, bytes]]:
        """Each line with the arrays of its part, which only a line that announces some may have."""
        number = 0
        while True:
            events, arrays = (_find(self._archive, name) for name in part_names(number))
            if events is None:
                return
            lines = [_line(text) for text in _read(self._archive, events, LARGEST_EVENTS).splitlines() if text]
            told = sum(bool(line.snapshots) for line in lines)
            if told > 1 or (told == 1) != (arrays is not None):
                raise RunFileBroken(f"Part {number} announces the arrays of {told} epochs.")
            packed = b"" if arrays is None else _read(self._archive, arrays, _announced(lines))
            for line in lines:
                yield line, packed
            number += 1


@contextmanager
def _damage_named() -> Iterator[None]:
    """Whatever goes wrong while a foreign file is read, the file is what is wrong."""
    try:
        yield
    except RunFileBroken:
        raise
    except Exception as error:
        raise RunFileBroken(f"The file is damaged ({_cause(error)}).") from error


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0][:200]


def _header(archive: ZipFile) -> FileHeader:
    found = _find(archive, HEADER_NAME)
    if found is None:
        raise RunFileBroken(f"It has no {HEADER_NAME}: this is not a run file.")
    try:
        told = json.loads(_read(archive, found, LARGEST_HEADER))
        version = told["version"] if told["format"] == FORMAT else None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunFileBroken(f"Its {HEADER_NAME} does not describe a run: this is not a run file.") from error
    if not isinstance(version, int) or version > VERSION:
        raise RunFileBroken(
            f"It is of version {str(version)[:20]}, and this program reads up to version {VERSION}: update the program."
        )
    try:
        return FileHeader.model_validate(told)
    except ValidationError as error:
        raise RunFileBroken(f"{HEADER_NAME}, {_first(error)}") from error


def _event(line: _Line) -> Event | None:
    """None: a kind that this program does not know."""
    try:
        return parse_event(_with_numbers(line.event))
    except ValidationError as error:
        if error.errors()[0]["type"] == "union_tag_invalid":
            return None
        raise RunFileBroken(f"Event {line.seq}, {_first(error)}") from error


def _with_numbers(event: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN, so a loss that was not finite is stored as null, where the event itself wants a number."""
    numbers = ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "frozen_fraction")
    return {name: float("nan") if value is None and name in numbers else value for name, value in event.items()}


def _with_snapshots(event: Event | None, line: _Line, packed: bytes, neurons: dict[int, int]) -> Event:
    if not isinstance(event, EpochFinished):
        raise RunFileBroken(f"Event {line.seq} has arrays and finishes no epoch.")
    for row in line.snapshots:
        if not _sound(row, neurons):
            raise RunFileBroken(f"Event {line.seq} announces arrays that no layer of its run has: {str(row)[:80]}.")
    if len({row[0] for row in line.snapshots}) < len(line.snapshots):
        raise RunFileBroken(f"Event {line.seq} announces a layer twice.")
    try:
        return event.model_copy(update={"snapshots": unpack(line.snapshots, packed)})
    except ValueError as error:
        raise RunFileBroken(f"Event {line.seq}: {error}.") from error


def _sound(row: Sizes, neurons: dict[int, int]) -> bool:
    """Whether a row of the table is one that the layer can have."""
    if len(row) != 6 or row[0] is None or row[0] not in neurons or row[1] != neurons[row[0]]:
        return False
    floats, bits = 4 * neurons[row[0]], (neurons[row[0]] + 7) // 8
    return all(size in (None, floats) for size in row[2:4]) and row[4:] == [bits, bits]


def _announced(lines: list[_Line]) -> int:
    """The bytes of the arrays that a part announces; whether they suit the layers is looked at later."""
    sizes = [size for line in lines for row in line.snapshots for size in row[2:] if size is not None]
    if any(size < 0 for size in sizes) or sum(sizes) > LARGEST_ARRAYS:
        raise RunFileBroken("It announces arrays of a size that no network has.")
    return sum(sizes)


def _line(text: bytes) -> _Line:
    try:
        return _Line.model_validate_json(text)
    except ValidationError as error:
        raise RunFileBroken(f"A line of events, {_first(error)}") from error


def _find(archive: ZipFile, name: str) -> ZipInfo | None:
    try:
        return archive.getinfo(name)
    except KeyError:
        return None


def _read(archive: ZipFile, member: ZipInfo, limit: int) -> bytes:
    """A member's bytes, however many it claims to have; never more than the limit."""
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED) or member.flag_bits & _ENCRYPTED:
        raise RunFileBroken(f"{member.filename} is packed in a way that run files are not.")
    pieces, size = [], 0
    try:
        with archive.open(member) as source:
            while piece := source.read(_PIECE):
                size += len(piece)
                if size > limit:
                    raise RunFileBroken(f"{member.filename} is larger than allowed ({limit:,} bytes).")
                pieces.append(piece)
    except RunFileBroken:
        raise
    except Exception as error:
        raise RunFileBroken(f"{member.filename} is damaged ({_cause(error)}).") from error
    return b"".join(pieces)


def _first(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))[:100]}: {found['msg'][:200]}."
