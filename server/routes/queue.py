"""The queue: who waits, in which order, and for how long."""

from fastapi import APIRouter, Response

from server import schemas
from server.checking import living
from server.routes.dependencies import EVERYWHERE, TheSettings, TheStore
from server.serializers import json_answer
from server.waiting import starts_of

router = APIRouter(tags=["runs"], responses=EVERYWHERE)

MOST_TOLD = 500


@router.get("/queue", response_model=schemas.Queue)
def read_queue(store: TheStore, settings: TheSettings) -> Response:
    """The queued runs in the order in which workers take them, at most 500, and when each is expected to start."""
    order = store.queue()
    known = {run.id: run for run in store.runs_called(order[:MOST_TOLD])}
    queued = [known[run_id] for run_id in order[:MOST_TOLD] if run_id in known]
    alive = living(store, settings.silence_limit_seconds)
    slots = sum(worker.slots for worker in store.workers() if worker.id in alive)
    starts = starts_of(store, queued, slots)
    waiting = [
        {"id": run.id, "name": run.name, "group": run.group, "priority": run.priority, "starts_in_seconds": start}
        for run, start in zip(queued, starts, strict=True)
    ]
    return json_answer({"queue": waiting, "length": len(order), "slots": slots})
