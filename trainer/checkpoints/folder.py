"""The checkpoint store: a folder of checkpoints that some workers share, and the names of the files in it.

A file's name holds the run that wrote it, its epoch, and the beginning of its own SHA-256: what is read under that name
is what was written under it, or it is damaged. Two workers that train the same epoch of the same run (one of them given
up for dead) write two files, and the one that the store recorded counts.
"""

import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DIGEST_LENGTH = 16
_ID_FILE = "shelf.id"  # what stores of older versions have
_PATH = re.compile(rf"([a-z0-9]{{1,40}})/epoch-(\d{{6,9}})-([0-9a-f]{{{DIGEST_LENGTH}}})\.pt")


@dataclass(frozen=True, slots=True)
class Name:
    """A checkpoint's path below its checkpoint store, in parts."""

    run_id: str
    epoch: int
    digest: str

    @classmethod
    def of(cls, path: str) -> "Name":
        """The parts of a path; ValueError where it is none of a checkpoint."""
        parts = _PATH.fullmatch(path)
        if parts is None:
            raise ValueError(f"{path!r} names no checkpoint")
        return cls(parts[1], int(parts[2]), parts[3])

    def __str__(self) -> str:
        return f"{self.run_id}/{file_stem(self.epoch)}{self.digest}.pt"


def file_stem(epoch: int) -> str:
    """What the files of an epoch begin with."""
    return f"epoch-{epoch:06}-"


@dataclass(frozen=True, slots=True)
class CheckpointStore:
    """A folder of checkpoints. Its `id` stands in it, so that all who reach it know that they share it."""

    folder: Path
    id: str

    @classmethod
    def at(cls, folder: Path) -> "CheckpointStore":
        """The checkpoint store in this folder, which is made where it is not there; OSError where it cannot be."""
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / _ID_FILE
        if not place.exists():
            new = folder / f".{_ID_FILE}-{secrets.token_hex(4)}"
            new.write_text(secrets.token_hex(8))
            with suppress(FileExistsError):  # somebody else was quicker: theirs counts
                os.link(new, place)
            new.unlink()
        return cls(folder.resolve(), place.read_text().strip())

    def paths(self, run_id: str) -> list[str]:
        """The checkpoints that a run has written here, whether anybody knows of them or not."""
        found = (f"{run_id}/{file.name}" for file in (self.folder / run_id).glob("*.pt"))
        return sorted(path for path in found if _PATH.fullmatch(path))

    def delete(self, paths: Iterable[str]) -> list[str]:
        """Deletes these checkpoints; returns the paths that are gone."""
        gone = []
        for path in paths:
            with suppress(OSError):  # it is tried again the next time
                (self.folder / str(Name.of(path))).unlink(missing_ok=True)
                gone.append(path)
        return gone

    def clear(self, run_id: str) -> None:
        """Deletes what unfinished writes of a run left, and its folder where nothing else is in it."""
        folder = self.folder / run_id
        for rest in folder.glob("*.part"):
            with suppress(OSError):
                rest.unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()
