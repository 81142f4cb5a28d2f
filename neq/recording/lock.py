"""Who writes a folder: one living process at a time, on whatever machine shares the disk."""

import contextlib
import os
import socket
from pathlib import Path
from types import ModuleType
from typing import Self

_fcntl: ModuleType | None
try:
    import fcntl as _fcntl
except ImportError:  # Windows: two writers of one folder are not told apart there
    _fcntl = None

NAME = "lock"


class InUse(Exception):
    """A living process writes this folder; the message names it."""


class FolderLock:
    """Held until `release`, or until the process ends in whatever way.

    A forked child has a copy of the open file. It calls `forget`, which leaves its parent's lock; and its parent's
    `release` unlocks for both, since a child just forked may not have come to that yet.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, folder: Path) -> Self:
        """Takes the folder.

        Raises:
            InUse: somebody has it.
            OSError: the disk says no.
        """
        path = folder / NAME
        while not _is_there(path, descriptor := _locked(path)):
            os.close(descriptor)  # its holder cleared the file away since it was opened: others lock another one
        return cls(descriptor)

    def release(self) -> None:
        """Gives the folder free; more than once is as once."""
        if self._descriptor is not None and _fcntl is not None:
            with contextlib.suppress(OSError):
                _fcntl.flock(self._descriptor, _fcntl.LOCK_UN)
        self.forget()

    def forget(self) -> None:
        """In a forked child: closes its copy, and leaves the folder to its parent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _locked(path: Path) -> int:
    """The file's descriptor, locked, and who holds it in the file."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if _fcntl is not None:
            _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode())
    except BlockingIOError:
        holder = os.read(descriptor, 200).decode(errors="replace")
        os.close(descriptor)
        raise InUse(holder or "another process") from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_there(path: Path, descriptor: int) -> bool:
    """Whether others who open the path meet this very file, and with it the lock on it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
