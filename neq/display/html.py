"""What a notebook shows of a run: a link to its page, and its overview as a picture, or the page itself in a frame."""

import re
import struct
import zlib
from base64 import b64encode
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

from neq.display import colours

_CELL = 18
"""Pixels of a layer's row, as long as the picture is no higher than HIGHEST."""
HIGHEST, WIDEST = 420, 640
FRAME_HEIGHT = 700


@dataclass(frozen=True)
class Shown:
    """A run, as far as a notebook shows it.

    Attributes:
        name: of the run, or its id where the name is not known.
        state: in a few words.
        url: of its page; None: no server has it.
        fractions: (layers, epochs), how much of each layer is frozen behind each epoch; NaN: not recorded.
        may_frame: whether the server lets other pages show its own in a frame.
    """

    name: str
    state: str
    url: str | None
    fractions: npt.NDArray[np.float32]
    may_frame: bool = False


def html(run: Shown) -> str:
    """The HTML; every text in it is escaped, and no script is in it."""
    name = escape(run.name)
    if run.url is not None and run.url.startswith(("http://", "https://")):
        address = escape(run.url)
        name = f'<a href="{address}" target="_blank" rel="noopener">{name}</a>'
        if run.may_frame:
            frame = f'<iframe src="{address}" title="{escape(run.name)}" width="100%" height="{FRAME_HEIGHT}"></iframe>'
            return f"<div>{name}: {escape(run.state)}<br>{frame}</div>"
    return f"<div>{name}: {escape(run.state)}{_picture(run.fractions)}</div>"


def allows_frames(content_policy: str) -> bool:
    """Whether a Content-Security-Policy names pages that may show this one; which they are, the browser checks."""
    found = re.search(r"(?:^|;)\s*frame-ancestors\s+([^;]*)", content_policy)
    return found is not None and found[1].strip() not in ("", "'none'", "'self'")


def _picture(fractions: npt.NDArray[np.float32]) -> str:
    layers, epochs = fractions.shape
    if not layers or not epochs:
        return ""
    says = (
        f"Frozen fraction of each layer (rows, {layers:,}, the input's first) behind each epoch (columns, {epochs:,})"
    )
    source = b64encode(png(colours.fraction_cells(fractions))).decode()
    size = f"width:{min(_CELL * epochs, WIDEST)}px;height:{min(_CELL * layers, HIGHEST)}px"
    frame = f"display:block;margin-top:6px;image-rendering:pixelated;{size}"
    return f'<img alt="{says}" title="{says}" style="{frame}" src="data:image/png;base64,{source}">'


def png(cells: npt.NDArray[np.uint8]) -> bytes:
    """A PNG file.

    Args:
        cells: (rows, columns, 3), red, green and blue.

    Source: PNG specification, third edition: IHDR, IDAT and IEND, no filter.
    """
    rows, columns, _ = cells.shape
    lines = np.zeros((rows, 1 + 3 * columns), np.uint8)  # the first byte of a line names its filter: 0, none
    lines[:, 1:] = cells.reshape(rows, -1)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
