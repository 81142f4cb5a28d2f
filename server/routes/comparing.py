"""Runs side by side: curves with bands, and masks against each other."""

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, HTTPException, Query, Request, Response

from contract.filters import LONGEST_FILTER, MetricField
from db import LayerHistory, Run, Store
from server import schemas
from server.arrays.encoding import JSON, NPY, npy_bytes
from server.comparing.axes import XAxis
from server.comparing.bands import Spread
from server.comparing.curves import charts, digits, groups_of, value_of
from server.comparing.masks import agreement, difference, first_freezes
from server.comparing.matching import Pair, differing, matched
from server.comparing.summary import epoch_seconds_of, metrics_of, totals_of
from server.filters import read_field
from server.repetitions import repetitions
from server.response_cache import cached_response
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheStore, invalid_query
from server.routes.documentation import binary_documentation
from server.serializers import json_answer, json_bytes, present_runs

router = APIRouter(prefix="/compare", tags=["comparing"], responses=EVERYWHERE | INVALID)

MOST_RUNS = 50
MOST_METRICS = 12
RunIds = Query(max_length=2_100, description="Ids with commas between them, at most 50.")
Id = Annotated[str, Query(pattern="^[a-z0-9]{1,40}$")]
Index = Annotated[int, Query(ge=0, le=1_000_000)]


@router.get("/curves", response_model=schemas.Charts)
def read_curves(
    request: Request,
    store: TheStore,
    runs: Annotated[str, RunIds],
    metric: Annotated[
        list[Annotated[str, Query(min_length=1, max_length=200)]],
        Query(max_length=MOST_METRICS, description="Names of metrics; a chart each."),
    ],
    axis: XAxis = "epoch",
    by: Annotated[
        str | None,
        Query(max_length=LONGEST_FILTER, description="A field as in a filter: runs that have it in common are a band."),
    ] = None,
    spread: Spread = "std",
    columns: Annotated[int, Query(ge=1, le=5_000, description="Thin each curve to so many columns of pixels.")] = 600,
    start: Annotated[float | None, Query(ge=-1e300, le=1e300, description="Only from here on the axis.")] = None,
    end: Annotated[float | None, Query(ge=-1e300, le=1e300, description="Only up to here.")] = None,
) -> Response:
    """Metrics of many runs over one axis, from one request.

    axis: `epoch` and `step` as they were logged; `elapsed`: seconds since the run began; `samples`, `seconds` of
    training, `cpu_seconds`, `device_seconds`, `flops` (forward, dX and dW): what all epochs up to and with a point's
    took. Bands are means in float64 over the runs that have a value there; by axes other than epoch and step, curves
    are read in straight lines between their points.
    """
    wanted, missing = _known(store, runs)
    group = None
    if by and by.strip():
        field = read_field(by)
        if isinstance(field, MetricField):
            raise invalid_query("by", "Group by a setting or a field of the run: a metric differs from run to run", by)
        group = value_of(field)

    def make() -> bytes:
        names = dict.fromkeys(metric)
        span = (-np.inf if start is None else start, np.inf if end is None else end)
        groups = groups_of(wanted, group, repetitions(store)) if group else {}
        told = charts(store, wanted, names, axis, columns=columns, groups=groups, spread=spread, span=span)
        named = [{"value": value, "runs": members.all} for value, members in groups.items()]
        return json_bytes({"charts": told, "groups": named, "missing": missing})

    made_of = [each for run in wanted for each in (run.id, run.revision, run.last_seq)]
    return cached_response(request, [*made_of, *missing], make, media_type=JSON)


@router.get("", response_model=schemas.Comparison)
def read_comparison(store: TheStore, runs: Annotated[str, RunIds]) -> Response:
    """Many runs side by side: their records, what each of their metrics came to, and what their epochs took."""
    wanted, missing = _known(store, runs)
    metrics, left_out = metrics_of(store, wanted)
    return json_answer(
        {
            "runs": present_runs(store, wanted, former_names=False),
            "missing": missing,
            "metrics": metrics,
            "metrics_left_out": left_out,
            "epoch_seconds": epoch_seconds_of(store, wanted),
            "totals": totals_of(store, wanted),
        }
    )


@router.get("/agreement", response_model=schemas.Agreement, responses=UNKNOWN)
def read_agreement(request: Request, store: TheStore, a: Id, b: Id) -> Response:
    """How the masks of two runs agree, layer by layer and epoch by epoch."""
    run_a, run_b = store.run(a), store.run(b)

    def make() -> bytes:
        layers_a, layers_b = store.layers(a), store.layers(b)
        by, pairs = matched(layers_a, layers_b)
        epochs = range(max(run_a.epochs_done, run_b.epochs_done))
        masks_a, masks_b = (
            store.frozen_masks(run_id, indices)
            for run_id, indices in ((a, [pair.a for pair in pairs]), (b, [pair.b for pair in pairs]))
        )
        there = [pair for pair in pairs if pair.a in masks_a and pair.b in masks_b]
        found = [agreement(masks_a[pair.a], masks_b[pair.b], epochs) for pair in there]
        return json_bytes(
            {
                "by": by,
                "differing": differing((run_a, layers_a), (run_b, layers_b)),
                "epochs": len(epochs),
                "pairs": [_pair(pair, layers_a, layers_b) for pair in there],
                "jaccard": [digits(each.jaccard).tolist() for each in found],
                "difference": [digits(each.difference).tolist() for each in found],
            }
        )

    return cached_response(request, _made_of(run_a, run_b), make, media_type=JSON)


@router.get(
    "/masks",
    response_class=Response,
    responses=UNKNOWN
    | binary_documentation(
        NPY,
        "uint8, epochs × neurons: 0 neither run froze it, 1 only A, 2 only B, 3 both, 4 an epoch is missing.",
    ),
)
def read_masks(request: Request, store: TheStore, a: Id, b: Id, layer_a: Index, layer_b: Index) -> Response:
    """Which of two runs froze each neuron of a layer behind each epoch. The layers must be of one size."""
    run_a, run_b = store.run(a), store.run(b)

    def make() -> bytes:
        first, second = _one_size(store, a, b, layer_a, layer_b)
        epochs = range(max(run_a.epochs_done, run_b.epochs_done))
        return npy_bytes(difference(first, second, epochs))

    return cached_response(request, _made_of(run_a, run_b), make, media_type=NPY)


@router.get("/first-freezes", response_model=schemas.FirstFreezes, responses=UNKNOWN)
def read_first_freezes(request: Request, store: TheStore, a: Id, b: Id, layer_a: Index, layer_b: Index) -> Response:
    """When each neuron of a layer was first frozen, in two runs. The layers must be of one size."""
    run_a, run_b = store.run(a), store.run(b)

    def make() -> bytes:
        first, second = map(first_freezes, _one_size(store, a, b, layer_a, layer_b))
        return json_bytes({"a": _or_null(first), "b": _or_null(second)})

    return cached_response(request, _made_of(run_a, run_b), make, media_type=JSON)


def _or_null(epochs: npt.NDArray[np.int64]) -> list[int | None]:
    return [None if epoch < 0 else epoch for epoch in epochs.tolist()]


def _known(store: Store, runs: str) -> tuple[list[Run], list[str]]:
    ids = list(dict.fromkeys(each for each in runs.split(",") if each))
    if not 1 <= len(ids) <= MOST_RUNS:
        raise invalid_query("runs", f"Give 1 to {MOST_RUNS} ids with commas between them", runs)
    found = {run.id: run for run in store.runs_called(ids)}
    return [found[each] for each in ids if each in found], [each for each in ids if each not in found]


def _one_size(store: Store, a: str, b: str, layer_a: int, layer_b: int) -> tuple[LayerHistory, LayerHistory]:
    first, second = store.layer_history(a, layer_a, "frozen"), store.layer_history(b, layer_b, "frozen")
    if first.neurons != second.neurons:
        raise HTTPException(
            409,
            f"The layers have {first.neurons:,} and {second.neurons:,} neurons: compare their fractions, which "
            "/compare/agreement tells.",
        )
    return first, second


def _pair(pair: Pair, layers_a: list[dict[str, Any]], layers_b: list[dict[str, Any]]) -> dict[str, Any]:
    one, other = ({int(each["index"]): each for each in layers} for layers in (layers_a, layers_b))
    return {
        "a": pair.a,
        "b": pair.b,
        "name_a": one[pair.a]["name"],
        "name_b": other[pair.b]["name"],
        "neurons_a": one[pair.a]["neurons"],
        "neurons_b": other[pair.b]["neurons"],
    }


def _made_of(*runs: Run) -> list[object]:
    return [each for run in runs for each in (run.id, run.last_seq, run.epochs_done)]
