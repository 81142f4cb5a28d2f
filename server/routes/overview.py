"""The overview: layers × epochs."""

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query, Request, Response

from db import Run, Store
from server import schemas
from server.arrays.encoding import JSON, NPY, npy_bytes
from server.arrays.layer_columns import Columns
from server.response_cache import cached_response
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheColumns, TheEpochs, TheRun, TheStore, stop_of
from server.routes.documentation import binary_documentation
from server.serializers import json_bytes

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)

OverviewField = Literal["frozen", "thawed", "dead", "churning", "phi", "speed"]
COUNTS = ("frozen", "thawed", "dead", "churning")
"""Fields that are fractions of the layer's neurons."""
Form = Literal["npy", "json"]


@router.get(
    "/overview",
    response_model=schemas.Overview,
    responses=binary_documentation(NPY, "float32, layers × epochs; NaN: there is no value. `?format=json` for JSON."),
)
def read_overview(
    request: Request,
    store: TheStore,
    columns: TheColumns,
    run: TheRun,
    epochs: TheEpochs,
    field: Annotated[
        OverviewField,
        Query(
            description="frozen: frozen fraction at the end of the epoch; none where nobody watched the layer. "
            "thawed: fraction that was frozen during the epoch and no longer is; likewise. dead: fraction whose "
            "outputs on the probe set are all 0; churning: fraction at equilibrium by the rule with φ below 0.9; "
            "neither where it was not recorded. phi: the layer's mean φ. speed: its mean |v|."
        ),
    ] = "frozen",
    form: Annotated[Form, Query(alias="format")] = "npy",
) -> Response:
    """One number per layer and epoch as `.npy`: the data of the overview heatmap."""
    return _overview(request, store, columns, run, epochs, field, form, name="values")


@router.get(
    "/frozen",
    deprecated=True,
    response_model=schemas.FrozenMap,
    responses={200: {"content": {NPY: {"schema": {"type": "string", "format": "binary"}}}}},
)
def read_frozen_map(
    request: Request,
    store: TheStore,
    columns: TheColumns,
    run: TheRun,
    form: Annotated[Form, Query(alias="format")] = "json",
) -> Response:
    """Ask for `/overview?field=frozen&format=json` instead, whose `values` are `frozen` here: this goes with the next
    release."""
    return _overview(request, store, columns, run, range(run.epochs_done), "frozen", form, name="frozen")


def _overview(
    request: Request,
    store: Store,
    columns: Columns,
    run: Run,
    epochs: range,
    field: OverviewField,
    form: Form,
    *,
    name: str,
) -> Response:
    """The answer as `.npy`, or as JSON with the values under this name."""
    found = store.epoch_seqs(run.id, epochs.start, epochs.stop)
    stop = stop_of(found, epochs)
    layers = [{key: each[key] for key in ("index", "name", "neurons")} for each in store.layers(run.id)]

    def make() -> bytes:
        values = np.full((len(layers), stop - epochs.start), np.nan)
        values[:, [epoch - epochs.start for epoch, _ in found]] = _values(
            store, columns, run.id, [each["neurons"] for each in layers], found, field
        )
        if form == "npy":
            return npy_bytes(values.astype(np.float32))
        numbers = list(range(epochs.start, stop))
        return json_bytes({"epochs": numbers, "layers": layers, name: values.tolist()})

    seqs = [seq for _, seq in found]
    headers = {"X-Epochs": f"{epochs.start}:{stop}"}
    media_type = JSON if form == "json" else NPY
    # The layers are in the name too: they are known before the first epoch is.
    return cached_response(request, (run.id, len(layers), *seqs), make, media_type=media_type, headers=headers)


def _values(
    store: Store,
    columns: Columns,
    run_id: str,
    neurons: list[int],
    found: list[tuple[int, int]],
    field: OverviewField,
) -> npt.NDArray[np.float64]:
    """Layers × the epochs that were found; NaN where there is no value."""
    values = np.full((len(found), len(neurons)), np.nan)
    # The store has the frozen counts apart from the rest: the first picture of a page need not wait.
    seqs = [seq for _, seq in found]
    rows = [] if field == "frozen" else [getattr(row, field) for row in columns.layers(store, run_id, seqs)]
    for told, row in zip(values, rows, strict=False):
        told[: len(row)] = row  # layers that are announced later are not in it
    if field in COUNTS:
        known, counts = store.frozen_counts(run_id)
        frozen = np.full(values.shape, np.nan)
        frozen[:, : counts.shape[1]] = counts[np.isin(known, [epoch for epoch, _ in found])]
        values = np.where(frozen >= 0, frozen if field == "frozen" else values, np.nan) / np.array(neurons, np.float64)
    return values.T
