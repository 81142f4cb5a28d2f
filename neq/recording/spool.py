"""The folder of a run: what makes it, and the parts that the server has not acknowledged."""

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neq.recording.lock import FolderLock
from neq.recording.part import unpack_part
from neq.recording.settings import DEFAULT_FOLDER

DESCRIPTION = "run.json"
UNFINISHED = ".unfinished"
MOST_IN_MEMORY = 64 << 20
"""Bytes of parts that are kept where the disk takes nothing; half of them are for epochs alone."""


@dataclass(eq=False)
class SpooledPart:
    """A part that is not acknowledged: on disk, or in memory where the disk did not take it.

    Attributes:
        first: the number of its first event.
        last: of its last.
    """

    first: int
    last: int
    path: Path | None
    data: bytes | None = None

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            OSError: they cannot be read.
        """
        data = self.data  # once: the recorder's thread may be writing it to disk
        if data is not None:
            return data
        assert self.path is not None  # noqa: S101 - it is in one of the two places
        return self.path.read_bytes()


class Spool:
    """The parts of one run in order, shared by the thread that writes and the one that sends.

    Attributes:
        folder: the run's own.
        description: the body that makes the run, with its id and writer.
        disk_error: what the disk said when it last took nothing; None while it does.
    """

    def __init__(
        self, folder: Path, description: dict[str, Any], lock: FolderLock | None, parts: list[SpooledPart]
    ) -> None:
        self.folder, self.description = folder, description
        self.disk_error: OSError | None = None
        self._lock, self._parts = lock, parts
        self._changed = threading.Condition()

    @classmethod
    def create(cls, folder: Path, description: dict[str, Any]) -> "Spool":
        """Makes the folder of a run, or takes up one that has no parts left; see `disk_error` for what came of it.

        Raises:
            InUse: a living process writes it.
        """
        spool = cls(folder, description, None, [])
        spool.keep()
        return spool

    @classmethod
    def open(cls, folder: Path) -> "Spool":
        """The folder that another process left.

        Raises:
            InUse: a living process writes it.
            ValueError: it does not hold a run, or a part of it is damaged.
            OSError: the disk says no.
        """
        lock = FolderLock.take(folder)
        try:
            description = json.loads((folder / DESCRIPTION).read_bytes())
            if not isinstance(description, dict) or not {"id", "writer"} <= description.keys():
                raise ValueError(f"{folder / DESCRIPTION} does not describe a run")
            for left in folder.glob(f"*{UNFINISHED}"):
                left.unlink()  # its writer died over it, and nothing in it was told as recorded
            return cls(folder, description, lock, _found(folder))
        except BaseException:
            lock.release()
            raise

    def add(self, first: int, last: int, data: bytes, *, durable: bool) -> None:
        """The next part: on disk when this returns, unless the disk takes nothing; then in memory.

        Args:
            durable: also where the machine, not only the process, dies the next moment.
        """
        part = SpooledPart(first, last, None, data)
        with self._changed:
            self._parts.append(part)
        self.keep(durable=durable)
        with self._changed:
            self._changed.notify_all()

    def _make_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock.take(self.folder)
        try:
            _write(self.folder / DESCRIPTION, json.dumps(self.description, ensure_ascii=False).encode(), durable=True)
        except BaseException:
            lock.release()
            raise
        self._lock = lock

    def keep(self, *, durable: bool = True) -> None:
        """Writes what is in memory, in order: a later part on disk without the one before it could not be sent."""
        try:
            if self._lock is None:
                self._make_folder()
        except OSError as error:
            self.disk_error = error
            return
        for part in [part for part in self.parts() if part.data is not None]:
            path, data = self.folder / f"{part.first:012d}.part", part.data
            if data is None:
                continue
            try:
                _write(path, data, durable=durable)
            except OSError as error:
                self.disk_error = error
                return
            self._now_on_disk(part, path)
        self.disk_error = None

    def _now_on_disk(self, part: SpooledPart, path: Path) -> None:
        with self._changed:
            if part in self._parts:
                part.path, part.data = path, None
                return
        path.unlink(missing_ok=True)  # acknowledged from memory meanwhile

    def parts(self) -> list[SpooledPart]:
        """Those not acknowledged, in order."""
        with self._changed:
            return list(self._parts)

    @property
    def bytes_in_memory(self) -> int:
        """Of parts that the disk did not take."""
        return sum(len(part.data or b"") for part in self.parts())

    def wait(self, seconds: float) -> SpooledPart | None:
        """The first part that is not acknowledged; None where none comes within that time."""
        with self._changed:
            if not self._parts:
                self._changed.wait(seconds)
            return self._parts[0] if self._parts else None

    def wake(self) -> None:
        """Ends every `wait`."""
        with self._changed:
            self._changed.notify_all()

    def acknowledge(self, last: int) -> None:
        """The server has all events up to that number: their parts go."""
        with self._changed:
            gone = [part for part in self._parts if part.last <= last]
            self._parts = [part for part in self._parts if part.last > last]
        for part in gone:
            if part.path is not None:
                with contextlib.suppress(OSError):  # sent again, it changes nothing
                    part.path.unlink()

    def keep_refused(self, first: int, data: bytes) -> None:
        """Keeps a part that the server does not take, which goes from those that are to be sent.

        Raises:
            OSError: the disk says no.
        """
        _write(self.folder / f"{first:012d}.refused", data, durable=True)

    def close(self) -> None:
        """Gives the folder free, and takes it away where nothing is left to send."""
        if not self.parts():
            for name in (DESCRIPTION, "lock"):
                with contextlib.suppress(OSError):
                    (self.folder / name).unlink()
        if self._lock is not None:
            self._lock.release()
        with contextlib.suppress(OSError):  # they stay where something is in them
            self.folder.rmdir()
            if self.folder.parent.name == DEFAULT_FOLDER:
                self.folder.parent.rmdir()

    def forget_in_child(self) -> None:
        """In a forked child, whose copy of the lock's file would hold it beyond its parent's end."""
        if self._lock is not None:
            self._lock.forget()


def run_folders(folder: Path) -> Iterator[Path]:
    """The folders of runs in a folder, or that folder itself where it is a run's, by name."""
    if (folder / DESCRIPTION).is_file():
        yield folder
        return
    yield from sorted(found.parent for found in folder.glob(f"*/{DESCRIPTION}"))


def writer_of(folder: Path) -> str | None:
    """Who wrote the run that a folder holds; None where it holds none."""
    try:
        found = json.loads((folder / DESCRIPTION).read_bytes())["writer"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _found(folder: Path) -> list[SpooledPart]:
    parts = []
    for path in sorted(folder.glob("*.part"), key=lambda path: int(path.stem) if path.stem.isdigit() else 0):
        try:
            part = unpack_part(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        parts.append(SpooledPart(part.first, part.last, path))
    return parts


def _write(path: Path, data: bytes, *, durable: bool) -> None:
    """Aside, then under its name: whatever has the name is whole."""
    aside = path.with_name(path.name + UNFINISHED)
    try:
        with aside.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """So that the name, too, outlives the machine; not every system lets a folder be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
