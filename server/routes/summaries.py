"""What runs have in common: how many there are of those that are asked for."""

from typing import get_args

from fastapi import APIRouter, Response

from server import schemas
from server.routes.dependencies import EVERYWHERE, INVALID, TheStore
from server.routes.narrowing import Narrowed
from server.serializers import json_answer

router = APIRouter(prefix="/runs", tags=["runs"], responses=EVERYWHERE | INVALID)


@router.get("/counts", response_model=schemas.RunCounts)
def count_runs(store: TheStore, narrowed: Narrowed) -> Response:
    """How many runs there are in each state, of those that are asked for as in the list of runs."""
    found = store.count_states(**narrowed)
    counts = {state: found.get(state, 0) for state in get_args(schemas.State)}
    return json_answer(counts | {"total": sum(found.values())})
