"""Layers and their neurons over epochs: exact arrays, display bytes, histograms."""

from typing import Annotated, Any, Literal

import numpy.typing as npt
from fastapi import APIRouter, Path, Query, Response

from server import answers
from server.display import display_bytes
from server.histograms import PHI_EDGES, phi_counts, velocity_counts
from server.presentation import json_answer
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheEpochs, TheRun, TheStore
from server.routes.frozen import NPY, binary_documentation, npy_answer
from trainer.events import VELOCITY_EDGES

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)

Index = Annotated[int, Path(ge=0, le=1_000_000, description="The layer's place in forward order, from 0.")]
Measure = Literal["phi", "velocity", "applied", "frozen"]


@router.get("/layers", response_model=answers.Layers)
def list_layers(store: TheStore, run: TheRun) -> Response:
    """The layers whose neurons are watched, in forward order; none before the run has started."""
    return json_answer({"layers": store.layers(run.id)})


@router.get(
    "/layers/{index}/display",
    response_class=Response,
    responses=binary_documentation("application/octet-stream", "One byte a neuron, epoch after epoch."),
)
def read_display(store: TheStore, run: TheRun, epochs: TheEpochs, index: Index) -> Response:
    """What the browser paints: a byte a neuron and epoch, epoch-major; `/schema/display` tells how to read it."""
    velocity = store.layer_history(run.id, index, "velocity", epochs.start, epochs.stop)
    frozen = store.layer_history(run.id, index, "frozen", epochs.start, epochs.stop)
    cells = display_bytes(velocity.values, frozen.values)
    headers = _place(velocity.epochs, epochs, velocity.neurons)
    return Response(cells.tobytes(), headers=headers, media_type="application/octet-stream")


@router.get("/layers/{index}/histograms", response_model=answers.Histograms)
def read_histograms(
    store: TheStore,
    run: TheRun,
    epochs: TheEpochs,
    index: Index,
    field: Annotated[Literal["velocity", "phi"], Query()] = "velocity",
) -> Response:
    """How many neurons lie in each bin, epoch by epoch; derived from the stored values, with edges that never move."""
    history = store.layer_history(run.id, index, field, epochs.start, epochs.stop)
    counted = velocity_counts(history.values) if field == "velocity" else phi_counts(history.values)
    edges = VELOCITY_EDGES if field == "velocity" else tuple(PHI_EDGES.tolist())
    rows = [row if sum(row) else None for row in counted.tolist()]
    return json_answer({"field": field, "edges": edges, "epochs": history.epochs.tolist(), "counts": rows})


@router.get(
    "/layers/{index}/{field}",
    response_model=answers.History,
    responses=binary_documentation(NPY, "Epochs × neurons: float32 (NaN: no value) or bool; `?format=json` for JSON."),
)
def read_history(
    store: TheStore,
    run: TheRun,
    epochs: TheEpochs,
    index: Index,
    field: Annotated[
        Measure,
        Path(description="applied: not updated during the epoch. frozen: decided at its end, holds in the next one."),
    ],
    form: Annotated[Literal["npy", "json"], Query(alias="format")] = "npy",
) -> Response:
    """One layer's exact values, epochs × neurons: what was measured and decided at the end of each epoch."""
    history = store.layer_history(run.id, index, field, epochs.start, epochs.stop)
    if form == "json":
        return json_answer({"epochs": history.epochs.tolist(), "values": history.values.tolist()})
    return npy_answer(history.values, _place(history.epochs, epochs, history.neurons))


def _place(found: npt.NDArray[Any], asked: range, neurons: int) -> dict[str, str]:
    """Which epochs the rows of an answer are."""
    first = int(found[0]) if len(found) else asked.start
    return {"X-Epochs": f"{first}:{first + len(found)}", "X-Neurons": str(neurons)}
