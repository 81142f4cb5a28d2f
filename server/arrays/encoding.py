"""Arrays as bytes: .npy for programs, and our own frames, a header as JSON with raw bytes behind it."""

import struct
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from server.serializers import json_bytes

NPY = "application/x-npy"
OCTETS = "application/octet-stream"
JSON = "application/json"


def npy_bytes(values: npt.NDArray[Any]) -> bytes:
    """An array as `numpy.load(..., allow_pickle=False)` reads it."""
    file = BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)
    return file.getvalue()


def framed(header: object, *parts: bytes) -> bytes:
    """u32 little-endian header length, the header as JSON, then the parts one after the other."""
    told = json_bytes(header)
    return b"".join((struct.pack("<I", len(told)), told, *parts))
