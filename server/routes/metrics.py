"""Metrics of a run: which there are, and their points, thinned to what a chart can show."""

import math
from functools import partial
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from db import Store
from server import schemas
from server.arrays.encoding import JSON
from server.arrays.thinning import Axis, between, thinned
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheRun, TheSharedReads, TheStore, invalid_query
from server.serializers import json_bytes

router = APIRouter(prefix="/runs/{run_id}", tags=["metrics"], responses=EVERYWHERE | UNKNOWN | INVALID)

MOST_COLUMNS = 10_000
Place = Annotated[float, Field(ge=-(2.0**63), le=2.0**63, allow_inf_nan=False)]
"""On an axis: a step, an epoch or seconds since 1970."""


@router.get("/metrics", response_model=schemas.Metrics)
async def list_metrics(store: TheStore, reads: TheSharedReads, run: TheRun) -> Response:
    """The metrics of the run by name: its own, and the figures of its epochs."""
    # Of a run that a script logs, every page that shows it asks again and again.
    listed: bytes = await reads.get(("metrics", run.id), partial(run_in_threadpool, _listed, store, run.id))
    return Response(listed, media_type=JSON)


def _listed(store: Store, run_id: str) -> bytes:
    fields = ("name", "points", "last", "last_step", "last_epoch")
    found = [
        {name: getattr(metric, name) for name in fields} | {"min": metric.minimum, "max": metric.maximum}
        for metric in store.metrics(run_id)
    ]
    return json_bytes({"metrics": found})


@router.get("/metrics/points", response_model=schemas.MetricSeries)
async def read_points(
    store: TheStore,
    reads: TheSharedReads,
    run: TheRun,
    name: Annotated[str, Query(min_length=1, max_length=200, description="The metric's name, such as `val/loss`.")],
    after: Annotated[int, Query(ge=0, le=2**31, description="Only points from this place on, counted from 0.")] = 0,
    columns: Annotated[
        int | None,
        Query(ge=1, le=MOST_COLUMNS, description="Thin them to so many columns of pixels; default: all points."),
    ] = None,
    axis: Annotated[Axis, Query(description="What the columns are cut along.")] = "step",
    start: Annotated[Place | None, Query(description="Only from here on the axis on.")] = None,
    end: Annotated[Place | None, Query(description="Only up to here on the axis.")] = None,
) -> Response:
    """The points of a metric in the order in which they were logged; null where a value is not finite.

    Of a stretch of the axis, the points next to it come too, to which lines lead.

    Thinned, each column keeps its first, last, least and greatest point; `thinned` says whether any was left out.
    """
    asked = run.id, name, after, columns, axis, start, end
    points: bytes = await reads.get(("points", *asked), partial(run_in_threadpool, _points, store, *asked))
    return Response(points, media_type=JSON)


def _points(
    store: Store,
    run_id: str,
    name: str,
    after: int,
    columns: int | None,
    axis: Axis,
    start: float | None,
    end: float | None,
) -> bytes:
    whole = store.metric_points(run_id, name, after)
    points = after + whole.steps.size if whole.steps.size else _count(store, run_id, name)
    if start is not None and end is not None and start > end:
        raise invalid_query("start", "It lies behind end", start)
    if start is not None or end is not None:
        whole = between(whole, axis, -math.inf if start is None else start, math.inf if end is None else end)
    shown = whole if columns is None else thinned(whole, columns, axis)
    return json_bytes(
        {
            "name": name,
            "after": after,
            "points": points,
            "thinned": shown.steps.size < whole.steps.size,
            "steps": shown.steps.tolist(),
            "epochs": [None if epoch < 0 else epoch for epoch in shown.epochs.tolist()],
            "times": shown.times.tolist(),
            "values": shown.values.tolist(),
        }
    )


def _count(store: Store, run_id: str, name: str) -> int:
    for metric in store.metrics(run_id):
        if metric.name == name:
            return metric.points
    raise HTTPException(404, f"Run {run_id!r} has no metric {name!r}; /runs/{run_id}/metrics lists those it has.")
