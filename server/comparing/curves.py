"""Curves of a metric of many runs over one axis, each by itself and as bands over what they have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from contract.filters import Field, RunField, SettingField
from db import MetricPoints, Run, Store
from db.comparing import EpochCosts
from server.arrays.thinning import thinned
from server.comparing.axes import XAxis, places
from server.comparing.bands import Spread, band
from server.dotted import value_at
from server.filters import COLUMNS
from server.repetitions import Repetitions, control_words

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
DIGITS = 8
LEAST = 1e-14
"""10^22 is the last power of ten that is a double."""
NOTHING = "none"
"""Of controls that have nothing of a field."""
ValueOf = Callable[[Run], str | None]


def value_of(field: Field) -> ValueOf:
    """What a run has of a field, in words; None where it has nothing there. A metric tells no groups apart: None."""
    if isinstance(field, RunField):
        return lambda run: _words(getattr(run, COLUMNS[field.name]))
    if isinstance(field, SettingField):
        return lambda run: _words(value_at(run.config, field.path))
    return lambda run: None


@dataclass(frozen=True, slots=True)
class Members:
    """The ids of a group's runs: all, those that count, and those that continue or are continued by these."""

    all: list[str]
    counted: list[str]
    left_out: list[str]


def groups_of(runs: Sequence[Run], group: ValueOf, known: Repetitions) -> dict[str | None, Members]:
    """The runs by what they have in common, controls by their kind too; without those that say nothing yet."""
    found: dict[str | None, list[str]] = {}
    for run in runs:
        value, control = group(run), known.controls.get(run.id)
        called = value if control is None else f"{NOTHING if value is None else value} · {control_words(control)}"
        found.setdefault(called, []).append(run.id)
    members = {}
    for called, ids in found.items():
        left_out = known.left_out(ids)
        counted = [run_id for run_id in ids if run_id not in left_out | known.untrained]
        members[called] = Members(ids, counted, [run_id for run_id in ids if run_id in left_out])
    return members


def charts(
    store: Store,
    runs: Sequence[Run],
    metrics: Iterable[str],
    axis: XAxis,
    *,
    columns: int,
    groups: Mapping[str | None, Members],
    spread: Spread = "std",
    span: tuple[float, float] = (-np.inf, np.inf),
) -> list[Json]:
    """Each metric's curves, as `schemas.Curves` has them.

    Args:
        metrics: their names.
        columns: of pixels that a curve is thinned to.
        span: of the axis; of what lies outside, the next point to each side is kept, so that lines go on.
        groups: of which each is one band, as `groups_of` has them; none: there are no bands.
    """
    ids = [run.id for run in runs]
    costs = store.epoch_costs(ids)  # once: each metric lies over the same epochs
    found = []
    for metric in metrics:
        points = store.points_of(ids, metric)
        placed = {run.id: _placed(run, points[run.id], costs[run.id], axis) for run in runs if run.id in points}
        kept = {run_id: within(x, span) for run_id, (x, _) in placed.items()}
        told = {run_id: (x[kept[run_id]], y[kept[run_id]]) for run_id, (x, y) in placed.items()}
        bands = _bands(groups, told, spread, shared=axis in ("epoch", "step"))
        drawn = [_curve(run_id, *each, points[run_id].where(kept[run_id]), columns) for run_id, each in told.items()]
        found.append({"metric": metric, "axis": axis, "x": _share(drawn), "curves": drawn, "bands": bands})
    return found


def _placed(run: Run, points: MetricPoints, costs: EpochCosts, axis: XAxis) -> tuple[Any, Any]:
    times = points.times
    began = run.started_at.timestamp() if run.started_at else 0.0
    first = float(times.min()) if times.size else began  # a fork has its parent's points, told before it began
    return places(points, costs, axis, min(began, first) if began else first), points.values


def within(x: Floats, span: tuple[float, float]) -> npt.NDArray[np.bool_]:
    """Which places lie in a span, or next to it on either side; those that are not known stay."""
    below, above = x[x < span[0]], x[x > span[1]]
    low = below.max() if below.size else -np.inf
    high = above.min() if above.size else np.inf
    kept: npt.NDArray[np.bool_] = ((x >= low) & (x <= high)) | np.isnan(x)
    return kept


def _curve(run_id: str, x: Any, y: Any, points: MetricPoints, columns: int) -> Json:
    """In the order of its places, thinned, without points that have none."""
    known = np.flatnonzero(~np.isnan(x))
    order = known[np.argsort(x[known], kind="stable")]
    ordered = MetricPoints(
        points.name, steps=order, epochs=points.epochs[order], times=x[order], values=y[order]
    )  # its place among all as the step, so that what is kept can be told
    kept = thinned(ordered, columns, "time")
    return {
        "run": run_id,
        "x": digits(kept.times).tolist(),
        "y": digits(kept.values).tolist(),
        "thinned": kept.steps.size < order.size,
        "unplaced": x.size - order.size,
    }


def _share(curves: list[Json]) -> list[float] | None:
    """Places that all curves have in common, which then are told once."""
    if not curves or any(each["x"] != curves[0]["x"] for each in curves):
        return None
    shared: list[float] = curves[0]["x"]
    for each in curves:
        each["x"] = None
    return shared


def digits(values: Floats) -> Floats:
    """Numbers in eight digits that count, which is more than a float32 holds and half as much to send.

    Whole numbers, such as steps, stay as they are, and so do those so small that no exact power of ten lifts them.
    """
    rounded = values.copy()
    odd = np.isfinite(values) & (values != np.rint(values)) & (np.abs(values) > LEAST)
    shift = (DIGITS - 1 - np.floor(np.log10(np.abs(values[odd])))).astype(np.int64)
    power = 10.0 ** np.abs(shift)
    rounded[odd] = np.where(shift < 0, np.rint(values[odd] / power) * power, np.rint(values[odd] * power) / power)
    return rounded


def _bands(
    groups: Mapping[str | None, Members], told: Mapping[str, tuple[Any, Any]], spread: Spread, *, shared: bool
) -> list[Json]:
    found = []
    for value, members in groups.items():
        ids = [run_id for run_id in members.counted if run_id in told]
        if not ids:
            continue
        whole = band([told[run_id] for run_id in ids], spread, shared=shared)
        found.append(
            {
                "value": value,
                "runs": ids,
                "left_out": members.left_out,
                "x": digits(whole.x).tolist(),
                "mean": digits(whole.mean).tolist(),
                "low": digits(whole.low).tolist(),
                "high": digits(whole.high).tolist(),
                "count": whole.count.tolist(),
            }
        )
    return found


def _words(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)  # to the last digit, for values that differ are not one group
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
