"""Curves of repetitions as one: the mean with its spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Spread = Literal["std", "minmax"]
GRID = 400
"""Places at which curves that share none are read."""


@dataclass(frozen=True, slots=True)
class Band:
    """Several curves as one.

    Attributes:
        x: (P,) float64, rising.
        mean: (P,) over the curves that have a finite value there.
        low, high: (P,) mean - std and mean + std, or the least and the greatest.
        count: (P,) int64: how many curves that is.
    """

    x: Floats
    mean: Floats
    low: Floats
    high: Floats
    count: npt.NDArray[np.int64]


def band(curves: Sequence[tuple[Floats, Floats]], spread: Spread, *, shared: bool) -> Band:
    """The mean of curves with their spread, in float64.

    Args:
        curves: places and values, (N,) each; values that are not finite do not count.
        spread: `std` is that of a sample (n - 1), 0 of one curve; `minmax` the least and the greatest.
        shared: whether the curves have places in common, as epochs are. Otherwise each is read between its points, in
            straight lines and not beyond its ends, at places evenly apart.
    """
    whole = [_clean(x, y) for x, y in curves]
    whole = [(x, y) for x, y in whole if x.size]
    if not whole:
        nothing = np.empty(0)
        return Band(nothing, nothing, nothing, nothing, np.empty(0, np.int64))
    x = np.unique(np.concatenate([places for places, _ in whole]))
    if not shared and x.size > GRID:
        x = np.linspace(x[0], x[-1], GRID)
    table = np.stack([_at(x, each, shared=shared) for each in whole])
    there = np.isfinite(table)
    kept = there.any(axis=0)
    return _summary(x[kept], table[:, kept], there[:, kept], spread)


def _summary(x: Floats, table: Floats, there: npt.NDArray[np.bool_], spread: Spread) -> Band:
    count = there.sum(axis=0)
    mean = np.where(there, table, 0.0).sum(axis=0) / count
    if spread == "minmax":
        low = np.where(there, table, np.inf).min(axis=0)
        high = np.where(there, table, -np.inf).max(axis=0)
    else:
        squares = np.where(there, table - mean, 0.0) ** 2
        std = np.sqrt(squares.sum(axis=0) / np.maximum(count - 1, 1))
        low, high = mean - std, mean + std
    return Band(x, mean, low, high, count.astype(np.int64))


def _clean(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """By place, one value each: of several the last that was told."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known][::-1], y[known][::-1]
    places, first = np.unique(x, return_index=True)
    return places, y[first]


def _at(x: Floats, curve: tuple[Floats, Floats], *, shared: bool) -> Floats:
    places, values = curve
    if shared:
        found = np.full(x.size, np.nan)
        found[np.searchsorted(x, places)] = values
        return found
    return np.interp(x, places, values, left=np.nan, right=np.nan)
