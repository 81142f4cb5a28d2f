"""File names as the disk has them, which need not be UTF-8, and as messages and pages show them."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import numpy.typing as npt

Names = npt.NDArray[np.bytes_]
"""File names in one block of memory, which loaders' processes share; a million Python strings they would copy."""


def as_names(names: list[str]) -> Names:
    """File names, relative to the data folder, as one array."""
    return np.array([os.fsencode(name) for name in names], dtype=np.bytes_)


def name_of(stored: bytes) -> str:
    """A file name of such an array, as `open` takes it."""
    return os.fsdecode(stored)


def legible(name: str | Path) -> str:
    """The name composed (NFC), with escapes for what cannot be printed or is not UTF-8: `caf\\xe9.png`."""
    composed = unicodedata.normalize("NFC", str(name))
    return "".join(each if each.isprintable() else _escaped(each) for each in composed)


def _escaped(character: str) -> str:
    """Python stands a byte that is not UTF-8 in for by U+DC80 – U+DCFF."""
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def alike(name: str) -> str:
    """What two names share that a person cannot tell apart: "é" in one character or in two."""
    return unicodedata.normalize("NFC", name)
