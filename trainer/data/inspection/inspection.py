"""Looks through a run's data before its first epoch: what is in it, and whether anything can be learnt from that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from contract.data_report import PassedOver, Sizes, Values, stored_value
from contract.errors import RunError
from trainer.data.datasets.file_dataset import FileDataset
from trainer.data.datasets.images import IGNORE_INDEX, TensorImages
from trainer.data.inspection.copies import evenly
from trainer.data.inspection.pixel_values import (
    Decoded,
    one_colour_warnings,
    refuse_one_colour,
    refuse_one_shade,
    white_of,
)
from trainer.data.names import legible, name_of
from trainer.data.reading import DEEP, Head, Unreadable, content_of, head_of
from trainer.data.together import read_together

HEADS_READ = 500
"""Files of a part whose heads are read: sizes and modes."""
DECODED = 32
"""Images of a part that are decoded to see which values they hold."""
HEADS_READ_FOR_BROKEN = 20_000
DECODED_FOR_BROKEN = 2_000
"""The same once one of them is broken, so that all are named."""
MASKS_READ = 300
"""Masks of a part that are read to see which classes they hold; more, where they miss one."""
MOST_MASKS_READ = 5_000

Result = TypeVar("Result")


@dataclass(frozen=True)
class Listing:
    """What is known of a set before any file of it is read.

    Attributes:
        classes: their names, in the order of their numbers.
        sources: where training and test images come from.
        own_classes: somebody chose the number of classes in the run's description, so that each should be seen.
    """

    classes: tuple[str, ...]
    sources: tuple[str, str] = ("training images", "test images")
    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    own_classes: bool = False


@dataclass(frozen=True)
class ClassCounts:
    """How many images of a part show each class, int64 (classes,); of masks, how many were read."""

    images: int
    shown: Tensor
    masks_read: int | None = None

    @property
    def complete(self) -> bool:
        """Whether all of the part was counted."""
        return self.masks_read is None or self.masks_read == self.images


@dataclass(frozen=True)
class Looks:
    """Sizes and values of images, as stored."""

    sizes: Sizes | None
    values: Values | None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


# ---------------------------------------------------------------- files


def look_at_files(parts: Sequence[FileDataset]) -> Looks:
    """Sizes and values of training and test files, from the heads of some and the pixels of fewer.

    Raises:
        DataDamaged: some of them are no images.
    """
    files = [(part, index) for part in parts[:2] for index in evenly(len(part), HEADS_READ)]
    heads = _looked_at(lambda each: _head(*each), files, parts, HEADS_READ_FOR_BROKEN)
    images = sum(len(part) for part in parts[:2])
    deep = {each for each, head in zip(_keys(files), heads, strict=True) if head.mode in DEEP}
    chosen = [(part, index) for part in parts[:2] for index in evenly(len(part), DECODED)]
    chosen += [each for each, key in zip(files, _keys(files), strict=True) if key in deep - set(_keys(chosen))]
    decoded = _looked_at(_decoded, chosen, parts, DECODED_FOR_BROKEN)
    refuse_one_colour(decoded)
    # Beside deep images, white of the others is 255 whatever these hold.
    telling = [each.content for each, key in zip(decoded, _keys(chosen), strict=True) if not deep or key in deep]
    low, high = min(each.low for each in telling), max(each.high for each in telling)
    white = 255.0 if not deep else white_of(high, fractions=any(head.mode == "F" for head in heads))
    return Looks(
        _sizes([(head.height, head.width) for head in heads], images),
        Values(low=low, high=high, white=white, looked_at=len(telling), images=images),
        _notes(heads, len(deep), high, white),
        (*one_colour_warnings(decoded), *(refuse_one_shade(low, high, white) if low >= 0 else ())),
    )


def _keys(files: list[tuple[FileDataset, int]]) -> list[tuple[int, int]]:
    """What each of them can be told apart by: samples themselves are not hashable."""
    return [(id(part), index) for part, index in files]


def _notes(heads: Sequence[Head], deep: int, high: float, white: float) -> tuple[str, ...]:
    notes = []
    if deep:
        which = "Images have" if deep == len(heads) else f"{deep:,} of {len(heads):,} images looked at have"
        notes.append(
            f"{which} more than 8 bits: their values reach {stored_value(high)}, and {stored_value(white)} is scaled "
            "to white."
        )
    if animated := sum(head.animated for head in heads):
        notes.append(f"{animated} of {len(heads)} files that were looked at hold several pictures: the first is used.")
    return tuple(notes)


def _looked_at(
    read: Callable[[tuple[FileDataset, int]], Result],
    of: list[tuple[FileDataset, int]],
    parts: Sequence[FileDataset],
    most: int,
) -> list[Result]:
    """What `read` tells of these files. Where one cannot be read, others of its set are looked at too: a person who is
    told of one file at a time starts a run for each.

    Args:
        most: files of a part that are looked at then.

    Raises:
        DataDamaged: some are no images.
    """
    try:
        return read_together(read, of)
    except Unreadable:
        read_together(read, [(part, index) for part in parts for index in evenly(len(part), most)])
        raise


def _head(part: FileDataset, index: int) -> Head:
    return head_of(part.root, _name(part, index))


def _decoded(each: tuple[FileDataset, int]) -> Decoded:
    name = _name(*each)
    return Decoded(legible(name), content_of(each[0].root, name))


def _name(part: FileDataset, index: int) -> str:
    stored = part.names[index]
    return stored if isinstance(stored, str) else name_of(stored)


def _sizes(sizes: Sequence[tuple[int, int]], images: int) -> Sizes:
    heights, widths = zip(*sizes, strict=True)
    return Sizes(
        height=(min(heights), max(heights)), width=(min(widths), max(widths)), looked_at=len(sizes), images=images
    )


def count_files(part: FileDataset, classes: int, *, segmentation: bool) -> ClassCounts:
    """How many of a part's files show each class: by their labels, or by some of their masks.

    Raises:
        DataDamaged: a mask cannot be read.
    """
    if not segmentation:
        return ClassCounts(len(part), torch.bincount(part.stratify_labels, minlength=classes))
    first = evenly(len(part), MASKS_READ)
    shown, read = _shown_by(part, first, classes), len(first)
    rest = sorted(set(evenly(len(part), MOST_MASKS_READ)) - set(first))
    while rest and bool((shown == 0).any()):
        portion, rest = rest[:MASKS_READ], rest[MASKS_READ:]
        shown, read = shown + _shown_by(part, portion, classes), read + len(portion)
    return ClassCounts(len(part), shown, read)


def _shown_by(part: FileDataset, indices: list[int], classes: int) -> Tensor:
    def shown(each: tuple[FileDataset, int]) -> Tensor:
        mask = part.mask(each[1], part.size(each[1]))
        counts = np.bincount(np.asarray(mask).ravel(), minlength=classes)[:classes]
        return torch.from_numpy(counts > 0).long()

    nothing = torch.zeros(classes, dtype=torch.int64)
    return sum(read_together(shown, [(part, index) for index in indices]), nothing)


# ---------------------------------------------------------------- arrays


def look_at_arrays(parts: Sequence[TensorImages]) -> Looks:
    """Size and values of training and test images that lie in memory: of all.

    Raises:
        RunError: all of them hold one value alone.
    """
    images = sum(len(part) for part in parts[:2])
    lows, highs = zip(*((float(part.pixels.min()), float(part.pixels.max())) for part in parts[:2]), strict=True)
    if min(lows) == max(highs):
        raise RunError(
            f"All images hold the value {stored_value(min(lows))} alone: there is nothing to learn from them.",
            "Put the images themselves into the set, not placeholders.",
        )
    white = 255.0 if parts[0].pixels.dtype == torch.uint8 else max(highs)
    return Looks(
        _sizes([part.shape[1:] for part in parts[:2]], images).model_copy(update={"looked_at": images}),
        Values(low=min(lows), high=max(highs), white=white, looked_at=images, images=images),
    )


def count_arrays(part: TensorImages, classes: int) -> ClassCounts:
    """How many images show each class: by their labels, or by some of their masks."""
    if part.labels.dim() == 1:
        return ClassCounts(len(part), torch.bincount(part.labels.cpu(), minlength=classes))
    chosen = evenly(len(part), MOST_MASKS_READ)
    shown = torch.zeros(classes, dtype=torch.int64)
    for index in chosen:
        shown += torch.bincount(part.labels[index].flatten().long(), minlength=IGNORE_INDEX + 1)[:classes] > 0
    return ClassCounts(len(part), shown, len(chosen))
