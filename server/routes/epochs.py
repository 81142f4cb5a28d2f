"""What a run said of its epochs, and its log."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from server import answers
from server.presentation import json_answer
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, Cursor, TheRun, TheStore

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)

LINES_AT_ONCE = 5_000


@router.get("/epochs", response_model=answers.Epochs)
def read_epochs(
    store: TheStore,
    run: TheRun,
    after: Cursor = 0,
    layers: Annotated[bool, Query(description="With the per-layer columns.")] = True,
) -> Response:
    """The finished epochs: losses, accuracies, learning rate, frozen share, seconds, and the layers' counts."""
    found = store.epochs_after(run.id, after, layers=layers)
    epochs = [{"seq": each.seq, "at": each.at, "kind": each.kind, **each.payload} for each in found]
    # The run was read before its epochs, so nothing between its last_seq and them can be skipped by this cursor.
    last_seq = max(after, run.last_seq, found[-1].seq if found else 0)
    return json_answer({"epochs": epochs, "last_seq": last_seq})


@router.get("/log", response_model=answers.Log)
def read_log(store: TheStore, run: TheRun, after: Cursor = 0) -> Response:
    """What the run logged, in order; 5,000 entries at most, go on from the last `seq`."""
    found = store.events_after(run.id, after, limit=LINES_AT_ONCE, kinds=("logged",))
    lines = [
        {"seq": each.seq, "at": each.at, "level": each.payload["level"], "text": each.payload["text"]} for each in found
    ]
    return json_answer({"lines": lines})
