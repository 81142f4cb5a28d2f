"""Fewer points of a metric, as many as a chart has pixels: the least and the greatest of each column stay."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from db import MetricPoints

Axis = Literal["step", "epoch", "time"]
AXES = {"step": "steps", "epoch": "epochs", "time": "times"}


def thinned(points: MetricPoints, columns: int, axis: Axis) -> MetricPoints:
    """At most four points a column: its first, last, least and greatest, in their order. All, where these are fewer.

    A value that is not finite stays as the first or last of its column, or where it is alone: a gap is drawn there.

    Args:
        points: (N,) in the order in which they were told.
        columns: into which the axis is cut evenly, from its least place to its greatest; at least 1.
        axis: what the chart goes by.
    """
    number = points.steps.size
    if number <= 4 * columns:
        return points
    column = _columns(getattr(points, AXES[axis]).astype(np.float64), columns)
    kept = [np.zeros(1, np.int64)]
    order = np.argsort(column, kind="stable")
    starts = np.flatnonzero(np.diff(column[order], prepend=-1))
    ends = np.append(starts[1:], number)
    values = points.values[order]
    least, greatest = (np.where(np.isfinite(values), values, worst) for worst in (np.inf, -np.inf))
    kept += [order[starts], order[ends - 1]]
    kept += [order[_firsts(least, np.minimum, starts, ends)], order[_firsts(greatest, np.maximum, starts, ends)]]
    return points.where(np.unique(np.concatenate(kept)))


def between(points: MetricPoints, axis: Axis, start: float, end: float) -> MetricPoints:
    """The points whose place on the axis lies from `start` to `end`, and those next to them, to which lines lead."""
    places = getattr(points, AXES[axis])
    inside = (places >= start) & (places <= end)
    beside = inside.copy()
    beside[1:] |= inside[:-1]
    beside[:-1] |= inside[1:]
    if not inside.any():  # the line may cross what is seen
        crossing = np.flatnonzero((places[:-1] < start) & (places[1:] > end))[:1]
        beside[crossing] = beside[crossing + 1] = True
    return points.where(beside)


def _columns(places: npt.NDArray[np.float64], columns: int) -> npt.NDArray[np.int64]:
    least, greatest = places.min(), places.max()
    if greatest <= least:
        return np.minimum(np.arange(places.size) * columns // places.size, columns - 1)  # all at one place: by order
    cut: npt.NDArray[np.int64] = ((places - least) / (greatest - least) * columns).astype(np.int64)
    return cut.clip(max=columns - 1)


def _firsts(
    values: npt.NDArray[np.float64], best: np.ufunc, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The place of the first best value between each start and its end."""
    wanted = np.repeat(best.reduceat(values, starts), ends - starts)
    hits = np.flatnonzero(values == wanted)
    which = np.searchsorted(starts, hits, side="right") - 1
    _, first = np.unique(which, return_index=True)
    places: npt.NDArray[np.int64] = hits[first]
    return places
