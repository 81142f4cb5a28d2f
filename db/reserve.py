"""Room on the disk of an SQLite file that is kept for the day on which that disk is full.

It is a file of its own beside the database, filled to its size. Cutting off its end frees the room that stopping and
deleting runs takes; all else is refused until the room is there again, so that nobody uses it up. It is given up piece
by piece, since another program may fill what was freed.
"""

import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

_FILLING = b"\0" * (1 << 20)
_LOOK_SECONDS = 1.0
_PIECES = 8


class Reserve:
    """The room beside one database. Its methods may be called from any thread, and from several processes."""

    def __init__(self, database: Path) -> None:
        self._path = database.parent / f"{database.name}.reserve"
        self._size_bytes = 0
        self._in_use = False
        self._looked_at = 0.0

    def keep(self, size_bytes: int) -> bool:
        """Keeps so many bytes, where twice as many are free. Returns whether they are kept."""
        self._size_bytes = size_bytes
        if self.kept_bytes() < size_bytes and self._free() >= 2 * size_bytes:
            self._fill(size_bytes)
        self._look()
        return not self._in_use

    def release(self) -> bool:
        """Frees a piece of the room. Returns whether there was some to free."""
        kept = self.kept_bytes()
        left = kept - max(1, self._size_bytes // _PIECES, kept // _PIECES)
        try:
            if left > 0:
                os.truncate(self._path, left)
            else:
                self._path.unlink()
        except OSError:
            return False
        self._look()
        return True

    @property
    def is_in_use(self) -> bool:
        """Whether the disk has no more room than is kept, or was to be kept; looked at once a second."""
        if self._size_bytes and time.monotonic() > self._looked_at + _LOOK_SECONDS:
            self._look()
        return self._in_use

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        self._in_use = self.kept_bytes() < self._size_bytes and self._free() < 2 * self._size_bytes

    def kept_bytes(self) -> int:
        """What is kept now."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _free(self) -> int:
        try:
            return shutil.disk_usage(self._path.parent).free
        except OSError:
            return 0

    def _fill(self, size_bytes: int) -> None:
        """Written and not only announced: a file of holes takes no room, and keeps none."""
        unfinished = self._path.with_name(f"{self._path.name}-{secrets.token_hex(4)}")
        try:
            with unfinished.open("wb", buffering=0) as file:
                for start in range(0, size_bytes, len(_FILLING)):
                    file.write(_FILLING[: size_bytes - start])
                os.fsync(file.fileno())
            unfinished.replace(self._path)
        except OSError:  # no room, or no right: then nothing is kept, which `keep` tells
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
