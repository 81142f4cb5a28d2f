"""Reading a run file that somebody gave us: nothing in it is believed, executed, unpickled or used as a path."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from pydantic import ValidationError

from contract.events import Event, RunStarted, WatchStarted
from contract.runfile.header import (
    FORMAT,
    HEADER_NAME,
    LARGEST_EVENTS,
    LARGEST_HEADER,
    VERSION,
    FileHeader,
    RunFileBroken,
    RunHeader,
    part_names,
)
from contract.runfile.lines import Line, announced_bytes, event_of, first_error, line_of, with_snapshots

_PIECE = 1 << 20
_ENCRYPTED = 1


class RunFile:
    """An open run file; a context manager."""

    def __init__(self, archive: ZipFile, header: FileHeader) -> None:
        self._archive = archive
        self._holds_phi = header.version < 2
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
            event = event_of(line, launched=self.header.source == "launched")
            if isinstance(event, RunStarted | WatchStarted):
                neurons |= {layer.index: layer.neurons for layer in event.layers}
            if line.snapshots:
                holds_phi = self._holds_phi if line.phi is None else line.phi
                event = with_snapshots(event, line, packed, neurons, holds_phi)
            if event is not None:
                yield event

    def _lines(self) -> Iterator[tuple[Line, bytes]]:
        """Each line with the arrays of its part, which only a line that announces some may have."""
        number = 0
        while True:
            events, arrays = (_find(self._archive, name) for name in part_names(number))
            if events is None:
                return
            lines = [line_of(text) for text in _read(self._archive, events, LARGEST_EVENTS).splitlines() if text]
            told = sum(bool(line.snapshots) for line in lines)
            if told > 1 or (told == 1) != (arrays is not None):
                raise RunFileBroken(f"Part {number} announces the arrays of {told} epochs.")
            packed = b"" if arrays is None else _read(self._archive, arrays, announced_bytes(lines))
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
        raise RunFileBroken(f"{HEADER_NAME}, {first_error(error)}") from error


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
