"""How much of a run's network is watched."""

from fastapi import APIRouter, Response

from server import schemas
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheRun, TheStore
from server.serializers import json_answer

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)


@router.get("/coverage", response_model=schemas.RunCoverage)
def read_coverage(store: TheStore, run: TheRun) -> Response:
    """How much of the network is watched, and which modules are not and why."""
    started = store.events_after(run.id, 0, limit=1, kinds=("run_started",), newest=True)
    return json_answer({"coverage": started[0].payload.get("coverage") if started else None})
