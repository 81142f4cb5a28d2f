"""Outlines of instances as COCO writes them, drawn as masks."""

from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.data.datasets.images import IGNORE_INDEX

FARTHEST = 100_000
"""Pixels from an image's corner that a corner of a polygon may lie."""

Mask = npt.NDArray[np.uint8]


def class_mask(instances: list[tuple[int, Any]], height: int, width: int) -> Mask:
    """Every pixel's class, uint8 (height, width): 0 where nothing is, IGNORE_INDEX where instances overlap.

    Args:
        instances: class and outline of each: polygons [[x, y, x, y, …], …], or run lengths {counts, size}.

    Raises:
        ValueError: an outline is neither.
    """
    mask = np.zeros((height, width), dtype=np.uint8)
    covered = np.zeros((height, width), dtype=np.uint8)
    for number, outline in instances:
        inside = _inside(outline, height, width)
        mask = np.maximum(mask, inside * np.uint8(number))
        covered += inside & (covered < 2)
    mask[covered > 1] = IGNORE_INDEX
    return mask


def _inside(outline: Any, height: int, width: int) -> Mask:
    """1 within the outline, uint8 (height, width).

    Raises:
        ValueError: it is neither polygons nor run lengths for an image of this size.
    """
    if isinstance(outline, dict):
        if outline["size"] != [height, width]:
            raise ValueError(f"an outline for (height, width) {outline['size']} on an image of {[height, width]}")
        return _unrolled(_lengths(outline["counts"]), height, width)
    if not outline:
        raise ValueError("an outline without a corner")
    from pycocotools.mask import frPyObjects  # compiled, and only this set needs it

    inside = np.zeros((height, width), dtype=np.uint8)
    for lengths in frPyObjects([_polygon(points) for points in outline], height, width):
        inside |= _unrolled(_unpacked(lengths["counts"]), height, width)
    return inside


def _polygon(points: list[float]) -> list[float]:
    """The same corners.

    Raises:
        ValueError: they are no polygon, or lie so far from any image that drawing them would fill the memory.
    """
    if len(points) < 6 or len(points) % 2 or not all(abs(float(each)) < FARTHEST for each in points):
        raise ValueError("a polygon is three corners or more, each an x and a y in pixels")
    return points


def _unrolled(lengths: list[int], height: int, width: int) -> Mask:
    """From run lengths, column by column, of zeros and ones in turn, the zeros first."""
    runs = np.array(lengths, dtype=np.int64)
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(f"run lengths that do not fill {height * width} pixels")
    values = (np.arange(len(runs)) % 2).astype(np.uint8)
    return np.repeat(values, runs).reshape(width, height).T


def _lengths(counts: Any) -> list[int]:
    """Run lengths from the list, or from the text that COCO's tools pack them into."""
    return _unpacked(counts.encode("ascii")) if isinstance(counts, str) else counts


def area_of(outline: Any) -> float:
    """Pixels within an outline, about; 0 for what is none.

    Polygons that overlap count twice: it is used to leave out what shows next to nothing.
    """
    if isinstance(outline, dict):
        return float(sum(_lengths(outline["counts"])[1::2]))
    return sum(_polygon_area([float(each) for each in points]) for points in outline)


def _polygon_area(points: list[float]) -> float:
    corners = list(zip(points[::2], points[1::2], strict=False))
    crossed = (x * v - u * y for (x, y), (u, v) in zip(corners, corners[1:] + corners[:1], strict=True))
    return abs(sum(crossed)) / 2


def _unpacked(packed: bytes) -> list[int]:
    """Run lengths from COCO's text form: five bits a character, the lowest first, then a sign; from the fourth on,
    each is the difference from the one two before."""
    lengths: list[int] = []
    value = shift = 0
    for character in packed:
        bits = character - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    return lengths
