"""How values were spread, epoch by epoch: of one layer, or of the whole network."""

from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query, Request, Response

from contract.events import VELOCITY_EDGES
from db import Store
from server import schemas
from server.arrays.display import phi_change
from server.arrays.encoding import JSON
from server.arrays.histograms import CHANGE_EDGES, PHI_EDGES, phi_counts, velocity_counts
from server.arrays.layer_columns import Columns
from server.response_cache import cached_response
from server.routes.dependencies import (
    EVERYWHERE,
    INVALID,
    UNKNOWN,
    Index,
    TheColumns,
    TheEpochs,
    TheRun,
    TheStore,
)
from server.serializers import json_bytes

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)

Spread = Annotated[
    Literal["velocity", "phi", "delta"], Query(description="delta: Δφ, the change of φ since the previous epoch.")
]
Counts = npt.NDArray[np.int64]

EDGES: dict[str, tuple[float, ...]] = {
    "velocity": VELOCITY_EDGES,
    "phi": tuple(PHI_EDGES.tolist()),
    "delta": CHANGE_EDGES,
}


@router.get("/layers/{index}/histograms", response_model=schemas.Histograms)
def read_layer_histograms(
    request: Request, store: TheStore, run: TheRun, epochs: TheEpochs, index: Index, field: Spread = "velocity"
) -> Response:
    """Number of neurons per bin and epoch, computed from the stored values, with fixed edges."""
    found = store.epoch_seqs(run.id, epochs.start, epochs.stop)
    store.layer_history(run.id, index, "frozen", 0, 0)  # UnknownLayer, before anything is answered

    def make() -> bytes:
        numbers = [epoch for epoch, _ in found]
        return _told(field, numbers, _count_layer(store, run.id, index, field, numbers))

    return cached_response(request, (run.id, *(seq for _, seq in found)), make, media_type=JSON)


@router.get("/histograms", response_model=schemas.Histograms)
def read_network_histograms(
    request: Request, store: TheStore, columns: TheColumns, run: TheRun, epochs: TheEpochs, field: Spread = "velocity"
) -> Response:
    """The same for all watched neurons of the network."""
    found = store.epoch_seqs(run.id, epochs.start, epochs.stop)

    def make() -> bytes:
        return _told(field, [epoch for epoch, _ in found], _count_network(store, columns, run.id, field, found))

    return cached_response(request, (run.id, *(seq for _, seq in found)), make, media_type=JSON)


def _count_layer(store: Store, run_id: str, index: int, field: str, epochs: list[int]) -> Counts:
    """A row for each of these epochs, of those that the run has."""
    first, stop = (epochs[0], epochs[-1] + 1) if epochs else (0, 0)
    if field == "velocity":
        counts = velocity_counts(store.layer_history(run_id, index, "velocity", first, stop).rows(first, stop))
    else:
        values = store.layer_history(run_id, index, "divergence", first - 1, stop).rows(first - 1, stop)
        counts = phi_counts(values[1:]) if field == "phi" else velocity_counts(phi_change(values))
    return counts[[epoch - first for epoch in epochs]]


def _count_network(store: Store, columns: Columns, run_id: str, field: str, found: list[tuple[int, int]]) -> Counts:
    if field == "velocity":
        return columns.velocity_counts(store, run_id, [seq for _, seq in found])
    phi, delta = columns.phi_counts(store, run_id, found)
    return phi if field == "phi" else delta


def _told(field: str, epochs: list[int], counts: Counts) -> bytes:
    rows: list[Any] = [row if sum(row) else None for row in counts.tolist()]
    return json_bytes({"field": field, "edges": EDGES[field], "epochs": epochs, "counts": rows})
