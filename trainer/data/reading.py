"""Image files, read so that a file that is no image ends the run with its name, and nothing in it is executed."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite
from pathlib import Path
from typing import cast

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from contract.checks.sets import ENDINGS as ENDINGS
from contract.data_report import stored_value
from contract.errors import DataDamaged
from trainer.data.names import legible

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "PPM", "TIFF", "GIF")
"""Those of torchvision's ImageFolder, and GIF. Pillow knows others that start other programs to read them."""
DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")
"""Pillow's modes of one channel with more than eight bits."""

_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
"""What Pillow raises for files cut short, of another kind, or larger than any image should be."""
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*", b"RIFF")
"""How files of these formats begin; of one that begins so and is not understood, the rest is damaged."""
_SIDEWAYS = 5
"""EXIF orientations from here on exchange height and width."""


@dataclass(frozen=True)
class Head:
    """What an image file says of itself before its pixels: size as seen upright, and whether it is stored turned."""

    height: int
    width: int
    mode: str
    sideways: bool
    animated: bool


def read_image(root: Path, name: str, white: float | None = None) -> Image.Image:
    """An image in colour (RGB), upright.

    Args:
        root: the data folder.
        name: the file's path below it, which messages give.
        white: the value of white where the file holds more than eight bits a pixel; None: nobody looked, and 16 bits
            are scaled whole.

    Raises:
        DataDamaged: it is not there, cannot be decoded, or holds values beyond white.
    """
    try:
        with _opened(root, name) as image:
            upright = _upright(image)
            return (_scaled(name, upright, white) if upright.mode in DEEP else upright).convert("RGB")
    except _UNREADABLE as error:
        raise unreadable(root, name, error) from error


@contextmanager
def _opened(root: Path, name: str) -> Iterator[Image.Image]:
    """The file, by Pillow. Not by its path: it maps uncompressed TIFFs then, and mixes up the rows of turned ones."""
    with (root / name).open("rb") as file, Image.open(file, formats=FORMATS) as image:
        yield image


def _upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF tag says; a file that Pillow has turned by itself has no tag any more."""
    image.load()
    return ImageOps.exif_transpose(image) if _orientation(image) > 1 else image


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _UNREADABLE:
        return 1  # EXIF that cannot be read says nothing
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _scaled(name: str, image: Image.Image, white: float | None) -> Image.Image:
    """An image of more than eight bits in eight: 0 stays black, `white` becomes 255."""
    values = np.asarray(image, dtype=np.float64)
    if white is None:
        white = 1.0 if image.mode == "F" else 65535.0
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= white):
        raise DataDamaged(
            f"The image {legible(name)} holds values from {stored_value(low)} to {stored_value(high)}, and its "
            f"set's go from 0 to {stored_value(white)}.",
            "Save all images of the set with the same range of values, from 0 up: as PNG of 8 or 16 bits.",
        )
    return Image.fromarray(np.rint(values * (255 / white)).astype(np.uint8))


@dataclass(frozen=True)
class Content:
    """What an image's pixels hold, as stored.

    Attributes:
        low, high: the smallest and the largest value.
        colour: the value of each channel where all pixels have the same; None: they differ.
        hidden: they are of one colour, and the alpha channel, which networks do not see, is not.
    """

    low: float
    high: float
    colour: tuple[float, ...] | None
    hidden: bool


def content_of(root: Path, name: str) -> Content:
    """What an image's pixels hold.

    Raises:
        DataDamaged: it is not there, cannot be decoded, or holds values that are not finite.
    """
    try:
        with _opened(root, name) as image:
            ranges = _ranges(image)
            low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
            colour = tuple(low for low, _ in ranges) if all(low == high for low, high in ranges) else None
            found = Content(low, high, colour, colour is not None and _alpha_differs(image))
    except _UNREADABLE as error:
        raise unreadable(root, name, error) from error
    if not (isfinite(low) and isfinite(high)):
        raise DataDamaged(
            f"The image {legible(name)} holds values that are not numbers, or infinite.",
            "Replace the file, or remove it from its set.",
        )
    return found


def _ranges(image: Image.Image) -> list[tuple[float, float]]:
    """The smallest and the largest value of each channel that a network sees."""
    if image.mode in DEEP:
        values = np.asarray(image)
        return [(float(values.min()), float(values.max()))]
    extremes = cast(tuple[tuple[int, int], ...], image.convert("RGB").getextrema())
    return [(float(low), float(high)) for low, high in extremes]


def _alpha_differs(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    low, high = image.convert("RGBA").getchannel("A").getextrema()
    return low != high


def picture_digest(root: Path, name: str) -> bytes | None:
    """What equal pictures share, however they were saved: of the size and pixels that a network sees, upright.

    None where all pixels are the same, or the file cannot be decoded.
    """
    try:
        with _opened(root, name) as image:
            upright = _upright(image)
            pixels = np.asarray(upright, np.float64) if upright.mode in DEEP else np.asarray(upright.convert("RGB"))
    except _UNREADABLE:
        return None
    first = pixels[0, 0]
    if (pixels[0] == first).all() and (pixels == first).all():
        return None
    return blake2b(f"{pixels.dtype} {pixels.shape}".encode() + pixels.tobytes(), digest_size=16).digest()


def raw_mask(root: Path, name: str) -> tuple[str | None, str, np.ndarray]:
    """A mask's format and mode, as Pillow calls them, and its values as stored, upright.

    Raises:
        DataDamaged: it is not there or cannot be decoded.
    """
    try:
        with _opened(root, name) as image:
            return image.format, image.mode, np.array(_upright(image))
    except _UNREADABLE as error:
        raise unreadable(root, name, error) from error


def head_of(root: Path, name: str) -> Head:
    """What the file's head says; no pixel is decoded.

    Raises:
        DataDamaged: it is not there or no image.
    """
    try:
        with _opened(root, name) as image:
            # Pillow gives a TIFF's size upright already, and would decode a PNG to look for its EXIF.
            told = image.format != "TIFF" and (image.format != "PNG" or "exif" in image.info)
            sideways = told and _orientation(image) >= _SIDEWAYS
            height, width = (image.width, image.height) if sideways else (image.height, image.width)
            return Head(height, width, image.mode, sideways, bool(getattr(image, "is_animated", False)))
    except _UNREADABLE as error:
        raise unreadable(root, name, error) from error


def size_of(root: Path, name: str) -> tuple[int, int]:
    """Height and width of the image upright, from the file's head alone.

    Raises:
        DataDamaged: it is not there or no image.
    """
    head = head_of(root, name)
    return head.height, head.width


class Unreadable(DataDamaged):
    """One image file that is not there or cannot be decoded.

    Attributes:
        name: its path below the data folder, as messages show it.
        matter: what is the matter with it.
    """

    def __init__(self, message: str, remedy: str | None = None, *, name: str = "", matter: str = "") -> None:
        super().__init__(message, remedy)
        self.name, self.matter = name, matter


def unreadable(root: Path, name: str, error: Exception) -> Unreadable:
    """The error of a file that cannot be decoded, with what is the matter with it."""
    missing = isinstance(error, FileNotFoundError)
    matter = "it is not there" if missing else _matter(root / name, error)
    said = "is not there" if missing else f"cannot be decoded: {matter}"
    return Unreadable(
        f"The image {legible(name)} in the data folder {said}.",
        "Replace the file, or remove it from its set.",
        name=legible(name),
        matter=matter,
    )


def _matter(file: Path, error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "the worker's user may not read it"
    if isinstance(error, Image.DecompressionBombError):
        return "it has more pixels than an image should"
    try:
        with file.open("rb") as opened:
            start = opened.read(512)
    except OSError as cause:
        return f"it cannot be opened ({os.strerror(cause.errno or 0)})"
    if not start:
        return "it is empty (0 bytes)"
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "it is a web page, probably the answer of a download that was refused"
    if start.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS; the image itself was not fetched"
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return "it is cut off: its end is missing"
    if isinstance(error, UnidentifiedImageError) and not start.startswith(_BEGINNINGS):
        return f"it is not an image ({', '.join(FORMATS)} are read)"
    return "it is damaged"
