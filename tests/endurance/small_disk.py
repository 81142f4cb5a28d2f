"""A disk that fills up: a small file system where one may be mounted, else a limit on the size of files."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

ROOM = "1m"
_LEAST = 64
"""Bytes of a file that the limit still takes: less than any part has, so that each is begun and breaks off."""


class SmallDisk(Protocol):
    """A folder that can be full for a process."""

    folder: Path

    def fill(self, pid: int) -> None:
        """From now on it takes nothing of that process."""

    def clear(self) -> None:
        """It does again."""


class MountedDisk:
    """A file system in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, pid: int) -> None:
        with (self.folder / "filling").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return  # no space is left

    def clear(self) -> None:
        (self.folder / "filling").unlink()


class LimitedDisk:
    """A folder of whatever disk, and a process that may write no file to its end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pid = 0

    def fill(self, pid: int) -> None:
        self._pid = pid
        self._limit(_LEAST)

    def clear(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        try:
            _, most = resource.prlimit(self._pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (size, most))
        except ProcessLookupError:
            return  # it has ended, and its limit with it


@contextmanager
def mounted(folder: Path) -> Iterator[SmallDisk]:
    """A small file system at a folder; where that is not allowed, as for anybody but root, the limit."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)], capture_output=True)
    if done.returncode != 0:
        yield LimitedDisk(folder)
        return
    try:
        yield MountedDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
