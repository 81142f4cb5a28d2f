"""The overview: layers × epochs."""

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query, Request, Response

from db import Store
from server import schemas
from server.arrays.encoding import JSON, NPY, npy_bytes
from server.response_cache import cached_response
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheColumns, TheEpochs, TheRun, TheStore
from server.routes.documentation import binary_documentation
from server.serializers import json_bytes

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)

Shares = npt.NDArray[np.float64]


@router.get(
    "/frozen",
    response_model=schemas.FrozenMap,
    responses={200: {"content": {NPY: {"schema": {"type": "string", "format": "binary"}}}}},
)
def read_frozen_map(
    request: Request,
    store: TheStore,
    run: TheRun,
    form: Annotated[Literal["json", "npy"], Query(alias="format")] = "json",
) -> Response:
    """The share of each layer's neurons that was decided to be frozen at each epoch's end: the whole run at once.

    As `.npy`: float32, layers × epochs.
    """
    layers = [
        {"index": each["index"], "name": each["name"], "neurons": each["neurons"]} for each in store.layers(run.id)
    ]
    seqs = [seq for _, seq in store.epoch_seqs(run.id)]

    def make() -> bytes:
        epochs, shares = _frozen_shares(store, run.id, [each["neurons"] for each in layers])
        if form == "npy":
            return npy_bytes(shares.astype(np.float32))
        return json_bytes({"epochs": epochs, "layers": layers, "frozen": shares.tolist()})

    # The layers are in the name too: they are known before the first epoch is.
    return cached_response(request, (run.id, len(layers), *seqs), make, media_type=NPY if form == "npy" else JSON)


@router.get("/overview", responses=binary_documentation(NPY, "float32, layers × epochs; NaN: there is no value."))
def read_overview(
    request: Request,
    store: TheStore,
    columns: TheColumns,
    run: TheRun,
    epochs: TheEpochs,
    field: Annotated[
        Literal["frozen", "thawed", "phi", "speed"],
        Query(
            description="frozen: share decided at the epoch's end. thawed: share that was frozen during the epoch and "
            "is not any more. phi: the layer's mean φ. speed: its mean |v|."
        ),
    ] = "frozen",
) -> Response:
    """One number a layer and epoch, as `.npy`: what a picture of a whole run is drawn from."""
    found = store.epoch_seqs(run.id, epochs.start, epochs.stop)
    seqs = [seq for _, seq in found]
    neurons = np.array([each["neurons"] for each in store.layers(run.id)], np.float64)

    def make() -> bytes:
        if field == "frozen":  # the store has these apart from the rest: the first picture of a page need not wait
            rows = list(store.frozen_counts(run.id)[1][epochs.start : epochs.start + len(seqs)])
        else:
            rows = [getattr(row, field) for row in columns.layers(store, run.id, seqs)]
        values = np.array(rows, np.float64).reshape(len(rows), len(neurons)).T
        if field in ("frozen", "thawed"):
            values = values / neurons[:, None]
        return npy_bytes(values.astype(np.float32))

    headers = {"X-Epochs": f"{epochs.start}:{epochs.start + len(seqs)}"}
    return cached_response(request, (run.id, len(neurons), *seqs), make, media_type=NPY, headers=headers)


def _frozen_shares(store: Store, run_id: str, neurons: list[int]) -> tuple[list[int], Shares]:
    """The finished epochs, and layers × epochs."""
    epochs, counts = store.frozen_counts(run_id)
    shares = counts.T if len(epochs) else np.zeros((len(neurons), 0))
    return epochs.tolist(), shares / np.array(neurons, np.float64)[:, None]
