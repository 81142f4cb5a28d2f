"""Looks through a run's data before its first epoch: what is in it, and whether anything can be learnt from that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from trainer.data.copies import evenly
from trainer.data.images import IGNORED, Images
from trainer.data.names import name_of
from trainer.data.reading import DEEP, WHITES, Head, Unreadable, head_of, value_range
from trainer.data.samples import Samples
from trainer.data.together import read_together
from trainer.found import PassedOver, Sizes, Values

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
class Counts:
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


# ---------------------------------------------------------------- files


def look_at_files(parts: Sequence[Samples]) -> Looks:
    """Sizes and values of training and test files, from the heads of some and the pixels of fewer.

    Raises:
        DataDamaged: some of them are no images.
    """
    files = [(part, index) for part in parts[:2] for index in evenly(len(part), HEADS_READ)]
    heads = _looked_at(lambda each: _head(*each), files, parts, HEADS_READ_FOR_BROKEN)
    images = sum(len(part) for part in parts[:2])
    deep = [each for each, head in zip(files, heads, strict=True) if head.mode in DEEP]
    shallow = [(part, index) for part in parts[:2] for index in evenly(len(part), DECODED)]
    decoded = _looked_at(
        lambda each: value_range(each[0].root, _name(*each)), deep or shallow, parts, DECODED_FOR_BROKEN
    )
    low, high = min(low for low, _ in decoded), max(high for _, high in decoded)
    white = 255.0 if not deep else _white(high, fractions=any(head.mode == "F" for head in heads))
    notes = []
    if deep:
        notes.append(f"Images of more than 8 bits: their values reach {high:g}, and {white:g} is scaled to white.")
    if animated := sum(head.animated for head in heads):
        notes.append(f"{animated} of {len(heads)} files that were looked at hold several pictures: the first is used.")
    return Looks(
        _sizes([(head.height, head.width) for head in heads], images),
        Values(low=low, high=high, white=white, looked_at=len(decoded), images=images),
        tuple(notes),
    )


def _looked_at(
    read: Callable[[tuple[Samples, int]], Result], of: list[tuple[Samples, int]], parts: Sequence[Samples], most: int
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


def _head(part: Samples, index: int) -> Head:
    return head_of(part.root, _name(part, index))


def _name(part: Samples, index: int) -> str:
    stored = part.names[index]
    return stored if isinstance(stored, str) else name_of(stored)


def _white(high: float, *, fractions: bool) -> float:
    """The value of white: the largest of fractions, or of so many bits, that holds the values seen."""
    return next((white for white in WHITES if white >= high and (fractions or white > 1)), WHITES[-1])


def _sizes(sizes: Sequence[tuple[int, int]], images: int) -> Sizes:
    heights, widths = zip(*sizes, strict=True)
    return Sizes(
        height=(min(heights), max(heights)), width=(min(widths), max(widths)), looked_at=len(sizes), images=images
    )


def count_files(part: Samples, classes: int, *, scenes: bool) -> Counts:
    """How many of a part's files show each class: by their labels, or by some of their masks.

    Raises:
        DataDamaged: a mask cannot be read.
    """
    if not scenes:
        return Counts(len(part), torch.bincount(part.strata, minlength=classes))
    first = evenly(len(part), MASKS_READ)
    shown, read = _shown_by(part, first, classes), len(first)
    rest = sorted(set(evenly(len(part), MOST_MASKS_READ)) - set(first))
    while rest and bool((shown == 0).any()):
        portion, rest = rest[:MASKS_READ], rest[MASKS_READ:]
        shown, read = shown + _shown_by(part, portion, classes), read + len(portion)
    return Counts(len(part), shown, read)


def _shown_by(part: Samples, indices: list[int], classes: int) -> Tensor:
    def shown(each: tuple[Samples, int]) -> Tensor:
        mask = part.mask(each[1], part.size(each[1]))
        counts = np.bincount(np.asarray(mask).ravel(), minlength=classes)[:classes]
        return torch.from_numpy(counts > 0).long()

    nothing = torch.zeros(classes, dtype=torch.int64)
    return sum(read_together(shown, [(part, index) for index in indices]), nothing)


# ---------------------------------------------------------------- arrays


def look_at_arrays(parts: Sequence[Images]) -> Looks:
    """Size and values of training and test images that lie in memory: of all."""
    images = sum(len(part) for part in parts[:2])
    lows, highs = zip(*((float(part.pixels.min()), float(part.pixels.max())) for part in parts[:2]), strict=True)
    white = 255.0 if parts[0].pixels.dtype == torch.uint8 else max(highs)
    return Looks(
        _sizes([part.shape[1:] for part in parts[:2]], images).model_copy(update={"looked_at": images}),
        Values(low=min(lows), high=max(highs), white=white, looked_at=images, images=images),
    )


def count_arrays(part: Images, classes: int) -> Counts:
    """How many images show each class: by their labels, or by some of their masks."""
    if part.labels.dim() == 1:
        return Counts(len(part), torch.bincount(part.labels.cpu(), minlength=classes))
    chosen = evenly(len(part), MOST_MASKS_READ)
    shown = torch.zeros(classes, dtype=torch.int64)
    for index in chosen:
        shown += torch.bincount(part.labels[index].flatten().long(), minlength=IGNORED + 1)[:classes] > 0
    return Counts(len(part), shown, len(chosen))
