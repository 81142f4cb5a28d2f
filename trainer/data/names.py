"""File names as the disk has them, which need not be UTF-8, in one block of memory."""

import os

import numpy as np
import numpy.typing as npt

from contract.checks.names import alike as alike
from contract.checks.names import legible as legible

Names = npt.NDArray[np.bytes_]
"""File names in one block of memory, which loaders' processes share; a million Python strings they would copy."""


def as_names(names: list[str]) -> Names:
    """File names, relative to the data folder, as one array."""
    return np.array([os.fsencode(name) for name in names], dtype=np.bytes_)


def name_of(stored: bytes) -> str:
    """A file name of such an array, as `open` takes it."""
    return os.fsdecode(stored)
