"""Layers and their neurons over epochs: exact arrays, display bytes, one neuron's timeline."""

from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Path, Query, Request, Response

from db import Run, Store, UnknownLayer
from server import schemas
from server.arrays.display import delta_bytes, display_bytes, phi_bytes, phi_change
from server.arrays.encoding import JSON, NPY, OCTETS, npy_bytes
from server.response_cache import cached_response
from server.routes.dependencies import (
    EVERYWHERE,
    INVALID,
    UNKNOWN,
    Index,
    TheEpochs,
    TheRun,
    TheStore,
    finished,
    gaps,
    invalid_path,
)
from server.routes.documentation import binary_documentation
from server.serializers import json_answer, json_bytes

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)

Measure = Literal["phi", "divergence", "velocity", "applied", "frozen"]


@router.get("/layers", response_model=schemas.Layers)
def list_layers(store: TheStore, run: TheRun) -> Response:
    """The watched layers in forward order; empty before the run has started."""
    watches = store.events_after(run.id, 0, kinds=("watch_started",)) if run.source == "external" else []
    fields = ("name", "first", "epsilon", "mu", "freeze")
    told = [{name: each.payload[name] for name in fields} | {"layers": len(each.payload["layers"])} for each in watches]
    return json_answer({"layers": store.layers(run.id), "watches": told})


@router.get("/data", response_model=schemas.RunData)
def read_data(store: TheStore, run: TheRun) -> Response:
    """Statistics of the run's data: classes and their images, skipped files, sizes."""
    return json_answer({"data": store.data_found(run.id)})


@router.get(
    "/layers/{index}/display",
    response_class=Response,
    responses=binary_documentation(OCTETS, "One byte per neuron, epoch after epoch."),
)
def read_display(
    request: Request,
    store: TheStore,
    run: TheRun,
    epochs: TheEpochs,
    index: Index,
    of: Annotated[
        Literal["state", "phi", "delta"],
        Query(
            description="What bits 0–6 hold, 0 being no value. state: log10 |v|. phi: log10 (1 − φ) on the same scale. "
            "delta: 64 + sign(Δφ) · 63 · p, where p is log10 |Δφ| from 1e-6 (0) to 1 (1)."
        ),
    ] = "state",
) -> Response:
    """The heatmap's cells: one byte per neuron and epoch, epoch-major; for its format see `/schema/display`.

    The bytes of an epoch in which nothing was recorded are 0; `X-Missing` names those.
    """
    neurons, (seqs, stop) = _size(store, run.id, index), finished(store, run.id, epochs)

    def make() -> bytes:
        return _cells(store, run.id, index, of, epochs.start, stop).tobytes()

    headers = _place(store, run, index, epochs.start, stop, neurons)
    return cached_response(request, (run.id, *seqs), make, media_type=OCTETS, headers=headers)


@router.get("/layers/{index}/neurons/{number}", response_model=schemas.NeuronTimeline)
def read_neuron(
    store: TheStore,
    run: TheRun,
    epochs: TheEpochs,
    index: Index,
    number: Annotated[int, Path(ge=0, le=100_000_000, description="The neuron's index in its layer, from 0.")],
) -> Response:
    """One neuron's values per epoch; numbers are the shortest decimals that identify their float32."""
    neurons = _size(store, run.id, index)
    if number >= neurons:
        raise invalid_path("number", f"This layer has the neurons 0 to {neurons - 1}", number)
    line = store.neuron(run.id, index, number, epochs.start, epochs.stop)
    return json_answer(
        {
            "epochs": line.epochs.tolist(),
            "phi": [float(str(value)) for value in line.phi],
            "velocity": [float(str(value)) for value in line.velocity],
            "frozen": line.frozen.astype(int).tolist(),
            "applied": line.applied.astype(int).tolist(),
        }
    )


@router.get(
    "/layers/{index}/{field}",
    response_model=schemas.History,
    responses=binary_documentation(NPY, "Epochs × neurons: float32 (NaN: no value) or bool; `?format=json` for JSON."),
)
def read_history(
    request: Request,
    store: TheStore,
    run: TheRun,
    epochs: TheEpochs,
    index: Index,
    field: Annotated[
        Measure,
        Path(
            description="applied: not updated during the epoch. frozen: decided at its end, for the next epoch. "
            "divergence: 1 − φ, which keeps its digits where φ is nearly 1."
        ),
    ],
    form: Annotated[Literal["npy", "json"], Query(alias="format")] = "npy",
) -> Response:
    """One layer's exact values, epochs × neurons, measured or decided at the end of each epoch.

    Each epoch has its row: of NaN or False where the run, or the layer, was not recorded in it.
    """
    neurons, (seqs, stop) = _size(store, run.id, index), finished(store, run.id, epochs)

    def make() -> bytes:
        values = _rows(store, run.id, index, field, epochs.start, stop)
        if form == "json":
            return json_bytes({"epochs": list(range(epochs.start, stop)), "values": values.tolist()})
        return npy_bytes(values)

    headers = _place(store, run, index, epochs.start, stop, neurons)
    return cached_response(request, (run.id, *seqs), make, media_type=JSON if form == "json" else NPY, headers=headers)


def _cells(store: Store, run_id: str, index: int, of: str, first: int, stop: int) -> npt.NDArray[np.uint8]:
    frozen = _rows(store, run_id, index, "frozen", first, stop)
    if of == "state":
        return display_bytes(_rows(store, run_id, index, "velocity", first, stop), frozen)
    if of == "phi":
        return phi_bytes(_rows(store, run_id, index, "divergence", first, stop), frozen)
    # Epoch 0 has none before it: its change is nothing, as behind a gap.
    return delta_bytes(phi_change(_rows(store, run_id, index, "divergence", first - 1, stop)), frozen)


def _rows(store: Store, run_id: str, index: int, field: Measure, first: int, stop: int) -> npt.NDArray[Any]:
    """A row for each epoch."""
    return store.layer_history(run_id, index, field, first, stop).rows(first, stop)


def _size(store: Store, run_id: str, index: int) -> int:
    """The neurons of a layer, or UnknownLayer."""
    for layer in store.layers(run_id):
        if layer["index"] == index:
            return int(layer["neurons"])
    raise UnknownLayer(run_id, index)


def _is_whole(run: Run) -> bool:
    """Whether a worker recorded the arrays of every epoch; a fork has its parent's epochs, as those were recorded."""
    every = (run.config.get("recording") or {}).get("arrays_every", 1)
    return run.source == "launched" and every == 1 and run.parent_id is None


def _place(store: Store, run: Run, index: int, first: int, stop: int, neurons: int) -> dict[str, str]:
    """Which epochs the rows of an answer are, and in which of them nothing was recorded."""
    told = {"X-Epochs": f"{first}:{stop}", "X-Neurons": str(neurons)}
    if _is_whole(run):
        return told
    missing = gaps(store.layer_epochs(run.id, index, first, stop), first, stop)
    return told | ({"X-Missing": ",".join(f"{start}:{end}" for start, end in missing)} if missing else {})
