"""Image files, read so that a file that is no image ends the run with its name, and nothing in it is executed."""

import struct
from pathlib import Path

import numpy as np
from PIL import Image

from trainer.data.images import IGNORED
from trainer.errors import DataDamaged

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "PPM", "TIFF")
"""Those of torchvision's ImageFolder. Pillow knows others that start other programs to read them."""
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".pgm", ".tif", ".tiff")

_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
"""What Pillow raises for files cut short, of another kind, or larger than any image should be."""


def read_image(root: Path, name: str) -> Image.Image:
    """An image in colour (RGB).

    Args:
        root: the data folder.
        name: the file's path below it, which messages give.

    Raises:
        DataDamaged: it is not there or cannot be decoded.
    """
    try:
        with Image.open(root / name, formats=FORMATS) as image:
            return image.convert("RGB")
    except _UNREADABLE as error:
        raise unreadable(name, error) from error


def size_of(root: Path, name: str) -> tuple[int, int]:
    """Height and width, from the file's head alone.

    Raises:
        DataDamaged: it is not there or no image.
    """
    try:
        with Image.open(root / name, formats=FORMATS) as image:
            return image.height, image.width
    except _UNREADABLE as error:
        raise unreadable(name, error) from error


def read_mask(root: Path, name: str, *, classes: int, unlabelled: int | None = None) -> Image.Image:
    """A mask: one channel that holds each pixel's class, IGNORED where it has none.

    Args:
        root, name: as for `read_image`.
        classes: every class number is below this.
        unlabelled: a number that stands for no class and becomes IGNORED.

    Raises:
        DataDamaged: it is not there, cannot be decoded, is a picture in colour, or holds a number that is no class.
    """
    try:
        with Image.open(root / name, formats=FORMATS) as image:
            mode, numbers = image.mode, np.array(image)
    except _UNREADABLE as error:
        raise unreadable(name, error) from error
    if mode not in ("L", "P"):
        raise DataDamaged(
            f"The mask {name} is an image of mode {mode}, not of one byte a pixel.",
            "Save masks as PNG, grey or with a palette, whose values are the class numbers.",
        )
    if unlabelled is not None:
        numbers = np.where(numbers == unlabelled, np.uint8(IGNORED), numbers)
    return Image.fromarray(checked_classes(name, numbers, classes))


def checked_classes(name: str, numbers: np.ndarray, classes: int) -> np.ndarray:
    """The same numbers.

    Raises:
        DataDamaged: one of them is no class.
    """
    wrong = numbers[(numbers >= classes) & (numbers != IGNORED)]
    if wrong.size:
        raise DataDamaged(
            f"The mask {name} holds the class number {int(wrong.max())}, and there are {classes} classes (from 0).",
            f"Set data.classes to at least {int(wrong.max()) + 1}, or name the number in data.unlabelled if it stands "
            "for no class.",
        )
    return numbers


def unreadable(name: str, error: Exception) -> DataDamaged:
    """The error of a file that cannot be decoded."""
    what = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be decoded ({type(error).__name__})"
    return DataDamaged(f"The image {name} in the data folder {what}.", "Replace the file, or remove it from its set.")
