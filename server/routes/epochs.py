"""What a run said of its epochs, and its log."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from server import schemas
from server.arrays.encoding import JSON
from server.descriptions import FormerNames
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, Cursor, TheRun, TheStore
from server.serializers import epoch_text, json_answer

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)

LINES_AT_ONCE = 5_000


@router.get("/epochs", response_model=schemas.Epochs)
def read_epochs(
    store: TheStore,
    run: TheRun,
    after: Cursor = 0,
    layers: Annotated[bool, Query(description="Include the per-layer columns.")] = True,
    former_names: FormerNames = True,
) -> Response:
    """The finished epochs: losses, accuracies, learning rate, frozen fraction, seconds and per-layer counts."""
    found = store.texts_after(run.id, after, kinds=("epoch_finished",), layers=layers)
    # The run was read before its epochs, so nothing between its last_seq and them can be skipped by this cursor.
    last_seq = max(after, run.last_seq, found[-1].seq if found else 0)
    listed = ",".join(epoch_text(each, former_names=former_names) for each in found)
    return Response(f'{{"epochs":[{listed}],"last_seq":{last_seq}}}', media_type=JSON)


@router.get("/log", response_model=schemas.Log)
def read_log(
    store: TheStore,
    run: TheRun,
    after: Cursor = 0,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="Only entries before this `seq`.")] = None,
    last: Annotated[int | None, Query(ge=1, le=LINES_AT_ONCE, description="Only this many, the latest ones.")] = None,
) -> Response:
    """The run's log in order; at most 5,000 entries.

    Page forwards with `after` the last `seq`; or start with `last` and page backwards with `before` the first `seq`.
    """
    newest, limit = last is not None, last or LINES_AT_ONCE
    found = store.events_after(run.id, after, limit, ("logged",), before=before, newest=newest)
    lines = [
        {"seq": each.seq, "at": each.at, "level": each.payload["level"], "text": each.payload["text"]} for each in found
    ]
    return json_answer({"lines": lines})
