"""Masks in files: what their values mean, and each pixel's class."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from contract.errors import DataDamaged, RunError
from trainer.data.datasets.images import IGNORE_INDEX
from trainer.data.inspection.copies import evenly
from trainer.data.names import Names, legible, name_of
from trainer.data.reading import raw_mask

MOST_LOOKED_AT = 2_000
"""Masks of a part that are read to learn what their values mean."""
_ONE_BYTE = ("L", "P", "1")
_LAYERED = ("RGB", "RGBA", "LA")
_WHITE_OF_16_BITS = 65_535
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I;16N", "I")


@dataclass(frozen=True)
class MaskValues:
    """What the values of a set's masks mean.

    Attributes:
        classes: every class number is below this.
        unlabelled: a number that stands for no class, beside 255.
        object_at_255: masks hold 0 and 255 alone, and 255 is class 1.
        known_set: its number of classes is fixed, and nobody chose it in the run's description.
    """

    classes: int
    unlabelled: int | None = None
    object_at_255: bool = False
    known_set: bool = False


def read_mask(root: Path, name: str, values: MaskValues) -> Image.Image:
    """A mask: one channel that holds each pixel's class, IGNORE_INDEX where it has none.

    Args:
        root: the data folder.
        name: the file's path below it, which messages give.

    Raises:
        DataDamaged: it is not there, cannot be decoded, or holds other values than class numbers.
    """
    numbers = mask_numbers(root, name)
    if values.object_at_255 and numbers.dtype != np.bool_:
        return Image.fromarray(_objects(name, numbers))
    numbers = numbers.astype(np.uint8)
    if values.unlabelled is not None:
        numbers = np.where(numbers == values.unlabelled, np.uint8(IGNORE_INDEX), numbers)
    return Image.fromarray(_checked(name, numbers, values))


def mask_numbers(root: Path, name: str) -> np.ndarray:
    """The values of a mask as stored: uint8, or bool where it has one bit a pixel; (height, width).

    Raises:
        DataDamaged: as for `read_mask`, but for the numbers themselves.
    """
    format_, mode, numbers = raw_mask(root, name)
    if format_ == "JPEG":
        raise DataDamaged(
            f"The mask {legible(name)} is a JPEG, whose compression changes class numbers.",
            "Save masks as PNG, from where they were drawn: what JPEG has changed cannot be brought back.",
        )
    if mode in _SIXTEEN_BITS:
        return _of_one_byte(name, numbers)
    if mode in _LAYERED and (grey := _grey(mode, numbers)) is not None:
        return grey
    if mode not in _ONE_BYTE:
        raise DataDamaged(
            f"The mask {legible(name)} is an image of mode {mode}, not of one byte per pixel"
            f"{', and its colours are no shades of grey' if mode in _LAYERED else ''}.",
            "Save masks as PNG, grey or with a palette, whose values are the class numbers. With Pillow, class numbers "
            "in an array are saved by Image.fromarray(numbers.astype('uint8')).",
        )
    return numbers


def _of_one_byte(name: str, numbers: np.ndarray) -> np.ndarray:
    """Values of 16 bits as bytes: white, 65,535, is what 255 is of eight bits."""
    numbers = np.where(numbers == _WHITE_OF_16_BITS, IGNORE_INDEX, numbers)
    wrong = numbers[(numbers < 0) | (numbers > IGNORE_INDEX)]
    if wrong.size:
        raise DataDamaged(
            f"The mask {legible(name)} holds the value {int(wrong[0]):,}, and class numbers are 0 to "
            f"{IGNORE_INDEX - 1}.",
            "Save masks anew with class numbers 0, 1, 2, …, as PNG of 8 bits.",
        )
    return numbers.astype(np.uint8)


def _grey(mode: str, numbers: np.ndarray) -> np.ndarray | None:
    """The first channel, where the other colours hold the same and no pixel is transparent; else None."""
    colours = numbers[..., : 1 if mode == "LA" else 3]
    opaque = mode == "RGB" or bool((numbers[..., -1] == IGNORE_INDEX).all())
    return colours[..., 0] if opaque and bool((colours == colours[..., :1]).all()) else None


def _objects(name: str, numbers: np.ndarray) -> np.ndarray:
    """Class 1 where a mask of 0 and 255 holds 255."""
    other = numbers[(numbers != 0) & (numbers != IGNORE_INDEX)]
    if other.size:
        raise DataDamaged(
            f"The mask {legible(name)} holds the value {int(other[0])}, and masks of its set hold 0 and 255 alone, "
            "where 255 is the object.",
            "Save all masks of the set alike: 0 and 255, or class numbers from 0 up.",
        )
    objects: np.ndarray = (numbers == IGNORE_INDEX).astype(np.uint8)
    return objects


def _checked(name: str, numbers: np.ndarray, values: MaskValues) -> np.ndarray:
    """The same numbers.

    Raises:
        DataDamaged: one of them is no class.
    """
    wrong = numbers[(numbers >= values.classes) & (numbers != IGNORE_INDEX)]
    if wrong.size:
        largest = int(wrong.max())
        raise DataDamaged(
            f"The mask {legible(name)} holds the class number {largest}, and there are {values.classes} classes "
            "(from 0).",
            "Put the set's own masks there: they are palette images whose values are class numbers."
            if values.known_set
            else f"Set data.classes to at least {largest + 1}, or name the number in data.ignore_index if it stands "
            "for no class. If the masks are shades of grey, save them anew with class numbers 0, 1, 2, …",
        )
    return numbers


def understood(root: Path, masks: Iterable[Names], values: MaskValues) -> MaskValues:
    """The values with `object_at_255` where no mask holds another value than 0 and 255.

    It looks at masks until one holds another value, mostly the first, and at no more than MOST_LOOKED_AT a part.

    Raises:
        RunError: no mask holds a value that is a class beside 0, and the run asks for more than two classes.
        DataDamaged: a mask cannot be read.
    """
    seen: set[int] = set()
    for names in masks:
        for index in evenly(len(names), MOST_LOOKED_AT):
            numbers = mask_numbers(root, name_of(names[index]))
            if numbers.dtype == np.bool_:
                continue  # one bit a pixel says 0 and 1 by itself
            seen |= set(np.unique(numbers).tolist())
            if seen - {0, IGNORE_INDEX, values.unlabelled}:
                return values
    if IGNORE_INDEX not in seen or 0 not in seen:
        return values
    if values.classes > 2 or values.unlabelled is not None:
        raise RunError(
            f"The masks hold the values 0 and 255 alone, and the run asks for {values.classes} classes"
            f"{'' if values.unlabelled is None else ' and has set data.ignore_index'}; 255 stands for no class.",
            "Set data.classes to 2 and leave data.ignore_index empty: 255 is then taken as class 1.",
        )
    return replace(values, object_at_255=True)
