"""The overview: layers × epochs."""

from io import BytesIO
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query, Response

from server import answers
from server.presentation import json_answer
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, Responses, TheRun, TheStore

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)

NPY = "application/x-npy"


def npy_answer(values: npt.NDArray[Any], headers: dict[str, str] | None = None) -> Response:
    """An array as `numpy.load(..., allow_pickle=False)` reads it."""
    file = BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)
    return Response(file.getvalue(), headers=headers, media_type=NPY)


def binary_documentation(media_type: str, text: str) -> Responses:
    """How the documentation shows an answer of bytes."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    headers = {
        "X-Epochs": {"description": "`first:stop`", "schema": {"type": "string"}},
        "X-Neurons": {"schema": {"type": "integer"}},
    }
    return {200: {"description": text, "content": content, "headers": headers}}


@router.get(
    "/frozen",
    response_model=answers.FrozenMap,
    responses={200: {"content": {NPY: {"schema": {"type": "string", "format": "binary"}}}}},
)
def read_frozen_map(
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
    epochs, counts = store.frozen_counts(run.id)
    neurons = np.array([each["neurons"] for each in layers], dtype=np.float64)
    shares = (counts.T if len(epochs) else np.zeros((len(layers), 0))) / neurons[:, None]
    if form == "npy":
        return npy_answer(shares.astype(np.float32))
    return json_answer({"epochs": epochs.tolist(), "layers": layers, "frozen": shares.tolist()})
