"""Whether nodes see the folder of checkpoints that the worker sees: told by a file that lies in it meanwhile."""

import secrets
import time
from contextlib import suppress
from pathlib import Path

PREFIX = ".shared-"
LEFT_SECONDS = 86_400.0
"""A file that is older was left by a worker that was killed."""


class Marker:
    """A file with a name of its own in a folder, until it is removed."""

    def __init__(self, folder: Path) -> None:
        """Writes it, and removes those that were left; OSError where the folder does not let it."""
        for left in folder.glob(f"{PREFIX}*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFT_SECONDS:
                    left.unlink()
        self.path = folder / f"{PREFIX}{secrets.token_hex(8)}"
        self.path.write_text("")

    def remove(self) -> None:
        """A second call does nothing."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
