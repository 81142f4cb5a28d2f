"""Many layers at a glance: masks with neighbouring neurons merged, small enough to show all layers at once."""

import re
from typing import Annotated

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Query, Request, Response

from db import LayerHistory
from server.arrays.encoding import OCTETS, framed
from server.response_cache import cached_response
from server.routes.dependencies import (
    EVERYWHERE,
    INVALID,
    UNKNOWN,
    TheEpochs,
    TheRun,
    TheStore,
    finished,
    gaps,
    invalid_query,
)
from server.routes.documentation import binary_documentation

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)

MOST_LAYERS = 200
ABOUT = (
    "u32 little-endian header length; the header as JSON, `{epochs: [first, stop], layers: [[index, neurons, per, "
    "rows, [[first, stop], …]], …]}`, the last being epochs in which nothing was recorded; then epochs × rows bytes of "
    "each layer, epoch after epoch. Row r is the neurons r · per … (r + 1) · per − 1. "
    "A byte is 0 where none of them is frozen, 255 where all are, else the fraction, 1 … 254."
)


@router.get("/small", response_class=Response, responses=binary_documentation(OCTETS, ABOUT))
def read_small(
    request: Request,
    store: TheStore,
    run: TheRun,
    epochs: TheEpochs,
    layers: Annotated[str, Query(description="Indices in forward order, comma-separated.", examples=["0,3,4"])],
    rows: Annotated[int, Query(ge=1, le=4096, description="At most this many rows per layer.")] = 48,
) -> Response:
    """The frozen masks of several layers, downsampled to the requested number of rows. Unknown layers are left out."""
    wanted = _indices(layers)
    seqs, stop = finished(store, run.id, epochs)

    def make() -> bytes:
        # Of an epoch without arrays too, a layer's rows are told, or its reader asks for them for ever.
        known = {layer["index"]: int(layer["neurons"]) for layer in store.layers(run.id)}
        histories = {index: _nothing(known[index]) for index in wanted if index in known}
        histories |= store.frozen_masks(run.id, wanted, epochs.start, stop)
        merged = {index: merge_rows(history.rows(epochs.start, stop), rows) for index, history in histories.items()}
        told = [
            [
                index,
                histories[index].neurons,
                -(-histories[index].neurons // rows),
                cells.shape[1],
                gaps(histories[index].epochs.tolist(), epochs.start, stop),
            ]
            for index, cells in merged.items()
        ]
        header = {"epochs": [epochs.start, stop], "layers": told}
        return framed(header, *(cells.tobytes() for cells in merged.values()))

    return cached_response(request, (run.id, *seqs), make, media_type=OCTETS)


def _nothing(neurons: int) -> LayerHistory:
    return LayerHistory(np.zeros(0, np.int32), neurons, np.zeros((0, neurons), np.bool_))


def merge_rows(frozen: npt.NDArray[np.bool_], rows: int) -> npt.NDArray[np.uint8]:
    """Epochs × at most `rows` bytes, from epochs × neurons: nothing frozen, and nothing that is not, is lost."""
    neurons = frozen.shape[1]
    per = -(-neurons // rows)
    starts = np.arange(0, neurons, per)
    counts = np.add.reduceat(frozen, starts, axis=1, dtype=np.uint32)
    sizes = np.diff(np.append(starts, neurons))
    cells = np.clip(np.rint(255.0 * counts / sizes), 1, 254).astype(np.uint8)
    cells[counts == 0] = 0
    cells[counts == sizes] = 255
    return cells


def _indices(text: str) -> list[int]:
    if not re.fullmatch(r"[0-9]{1,7}(,[0-9]{1,7})*", text):
        raise invalid_query("layers", "Give layer positions, comma-separated, such as 0,3,4", text)
    wanted = sorted({int(part) for part in text.split(",")})
    if len(wanted) > MOST_LAYERS:
        raise invalid_query("layers", f"{MOST_LAYERS} layers at most per request; request fewer", text[:40])
    return wanted
