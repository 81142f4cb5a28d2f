"""A checkpoint's file: written wholly or not at all, and read without executing anything in it."""

import errno
import hashlib
import os
import pickle
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from contract.errors import RunError
from trainer.checkpoints.folder import DIGEST_LENGTH, Name, file_stem

_BLOCK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT)


class _Hashing:
    """A file that knows the SHA-256 of all that is written to it, and what went wrong while writing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash = file, hashlib.sha256()
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """Writes a piece; torch hands them over in order. It would lose an error raised here: see `error`."""
        try:
            self._file.write(data)
        except OSError as error:
            self.error = error
            raise
        self._hash.update(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()[:DIGEST_LENGTH]


def write(folder: Path, run_id: str, epoch: int, content: dict[str, Any]) -> tuple[Name, int]:
    """Writes a checkpoint into the checkpoint store; returns its name and size in bytes.

    When this returns, the file outlives a power cut; when it raises, it is not there. No other file is touched: another
    process, given up for dead and not knowing it, may be at the same epoch, and both write under names of their own.

    Raises:
        RunError: the disk is full, or the folder cannot be written to.
    """
    home = folder / run_id
    nonce = secrets.token_hex(8)
    new = home / f"{file_stem(epoch)}{nonce}.part"
    try:
        if not home.is_dir():
            home.mkdir(parents=True, exist_ok=True)
            _sync_folder(folder)
        digest, size = _write_part(new, content | {"nonce": nonce})
        name = Name(run_id, epoch, digest)
        new.rename(folder / str(name))
        _sync_folder(home)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise _not_written(error, epoch, home) from error
    return name, size


def read(folder: Path, path: str) -> dict[str, Any]:
    """What was written under this path, tensors on the CPU.

    Raises:
        RunError: it is not there, cannot be read, or is not what was written.
    """
    name = Name.of(path)
    file = folder / str(name)
    try:
        if _digest(file) != name.digest:
            raise _damaged(name, "its bytes are not those that were written")
        content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise RunError(
            f"The checkpoint of epoch {name.epoch} is not there: {file} is missing.",
            "Put the folder of checkpoints back where NEQ_CHECKPOINTS says, or launch the run again.",
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise _damaged(name, str(error).partition("\n")[0]) from error
    return content


def _write_part(place: Path, content: dict[str, Any]) -> tuple[str, int]:
    with place.open("wb") as file:
        hashing = _Hashing(file)
        try:
            torch.save(content, cast(BinaryIO, hashing))
        except Exception:
            if hashing.error is not None:
                raise hashing.error from None
            raise
        file.flush()
        os.fsync(file.fileno())
        return hashing.digest, file.tell()


def _digest(file: Path) -> str:
    found = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            found.update(block)
    return found.hexdigest()[:DIGEST_LENGTH]


def _sync_folder(folder: Path) -> None:
    """Makes names in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_written(error: OSError, epoch: int, home: Path) -> RunError:
    if error.errno in _FULL:
        return RunError(
            f"The disk is full: the checkpoint of epoch {epoch} could not be written to {home}.",
            "Free space there and resume the run: its last good checkpoint is kept.",
        )
    return RunError(
        f"The checkpoint of epoch {epoch} could not be written: {error}.",
        "Make sure that the worker may write to its checkpoint folder (NEQ_CHECKPOINTS), and resume the run.",
    )


def _damaged(name: Name, how: str) -> RunError:
    return RunError(
        f"The checkpoint of epoch {name.epoch} is damaged: {how}.",
        "Fork the run from an earlier checkpoint, if one is kept, or launch it again.",
    )
