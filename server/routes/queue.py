"""The queue: who waits, in which order, and for how long."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from db import Run
from server import schemas
from server.checking import living
from server.routes.dependencies import EVERYWHERE, INVALID, TheSettings, TheStore
from server.serializers import json_answer
from server.waiting import starts_of

router = APIRouter(tags=["runs"], responses=EVERYWHERE | INVALID)

MOST_TOLD = 500

WithHeld = Annotated[bool, Query(description="Held runs too, where they stand in the order.")]


@router.get("/queue", response_model=schemas.Queue)
def read_queue(store: TheStore, settings: TheSettings, held: WithHeld = False) -> Response:
    """The queued runs in the order in which workers take them, at most 500, and when each is expected to start."""
    order = store.queue(held=held)
    known = {run.id: run for run in store.runs_called(order[:MOST_TOLD])}
    queued = [known[run_id] for run_id in order[:MOST_TOLD] if run_id in known]
    alive = living(store, settings.silence_limit_seconds)
    slots = sum(worker.slots for worker in store.workers() if worker.id in alive)
    taken = [run for run in queued if not run.held]
    starts = dict(zip([run.id for run in taken], starts_of(store, taken, slots), strict=True))
    return json_answer({"queue": _waiting(queued, starts), "length": len(order), "slots": slots})


def _waiting(queued: Sequence[Run], starts: dict[str, float | None]) -> list[dict[str, Any]]:
    return [
        {
            "id": run.id,
            "name": run.name,
            "group": run.group,
            "priority": run.priority,
            "held": run.held,
            "starts_in_seconds": starts.get(run.id),
        }
        for run in queued
    ]
