"""What a run found in its data, told before its first epoch. This module imports pydantic alone.

Its size is bounded whatever the data: names are cut, rows and examples beyond a number are folded into a count.
"""

from typing import Literal

from pydantic import Field

from contract.base import FrozenModel

MOST_CLASSES = 100
"""Rows of the table of classes; of the others it is told how many they are and how their counts range."""
MOST_EXAMPLES = 3
"""File names that are given for a reason."""
MOST_REASONS = 20
"""Reasons for which files were passed over that are told apart."""
LONGEST_NAME = 120
"""Characters of a name; longer ones lose their middle."""

Range = tuple[float, float]
"""Smallest and largest."""


class PassedOver(FrozenModel):
    """Files that the run does not use, and why."""

    reason: str = Field(description="Such as `hidden file`.")
    count: int = Field(ge=1)
    examples: tuple[str, ...] = Field(description="A few of their paths below the data folder.")


class ClassFound(FrozenModel):
    """One class: how many images show it. Of scenes: how many of the masks that were read hold it."""

    name: str
    train: int
    test: int
    probe: int


class MoreClasses(FrozenModel):
    """The classes that have no row of their own."""

    count: int
    train: Range
    test: Range


class PartFound(FrozenModel):
    """Training, test or probe images."""

    part: Literal["train", "test", "probe"]
    images: int
    source: str = Field(description="Where they come from: a folder, or what they were held back from.")
    masks_read: int | None = Field(
        default=None, description="Masks that the counts of classes were taken from; null: labels count for all images."
    )


class Sizes(FrozenModel):
    """Heights and widths in pixels as stored, of some images or of all."""

    height: Range
    width: Range
    looked_at: int
    images: int


class Values(FrozenModel):
    """What pixels hold as stored, of some images or of all."""

    low: float
    high: float
    white: float = Field(description="The value that is scaled to white (255).")
    looked_at: int
    images: int


class DataFound(FrozenModel):
    """What was found in the data: told, so that a person can see whether it is what they meant."""

    parts: tuple[PartFound, ...]
    class_count: int
    classes: tuple[ClassFound, ...] = Field(description=f"The first {MOST_CLASSES}, in the order of their numbers.")
    more_classes: MoreClasses | None = None
    absent_train: tuple[str, ...] = Field(default=(), description="Classes that no training image shows; at most 20.")
    absent_test: tuple[str, ...] = Field(default=(), description="Classes that no test image shows; at most 20.")
    passed_over: tuple[PassedOver, ...] = ()
    sizes: Sizes | None = Field(default=None, description="null: nothing is known of them.")
    values: Values | None = Field(default=None, description="null: nothing is known of them.")
    notes: tuple[str, ...] = Field(default=(), description="How the data were understood, in sentences.")
    warnings: tuple[str, ...] = Field(default=(), description="What is probably not as it was meant, in sentences.")


def shortened(name: str) -> str:
    """The name with at most LONGEST_NAME characters."""
    if len(name) <= LONGEST_NAME:
        return name
    half = (LONGEST_NAME - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def stored_value(value: float) -> str:
    """A pixel's value as people write it, such as `65,535` or `0.25`."""
    return f"{int(value):,}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"


def summary(found: DataFound) -> str:
    """All of it in a line, for a terminal."""
    images = ", ".join(f"{part.images:,} {part.part}" for part in found.parts)
    words = [f"{found.class_count:,} classes", f"{images} images"]
    if found.sizes is not None:
        words.append(f"{_ranged(found.sizes.width)} × {_ranged(found.sizes.height)} pixels")
    if found.values is not None:
        words.append(f"values {stored_value(found.values.low)} to {stored_value(found.values.high)}")
    if found.passed_over:
        reasons = ", ".join(f"{each.count:,} × {each.reason}" for each in found.passed_over[:3])
        more = ", …" if len(found.passed_over) > 3 else ""
        words.append(f"skipped: {reasons}{more}")
    return "; ".join(words) + "."


def _ranged(limits: Range) -> str:
    low, high = limits
    return f"{low:g}" if low == high else f"{low:g}–{high:g}"
