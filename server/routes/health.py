"""How the system is."""

from datetime import UTC, datetime
from typing import Any, cast

from fastapi import APIRouter

from db import Store, StoreUnreachable, Worker
from server import answers
from server.routes.dependencies import EVERYWHERE, TheSettings, TheStore
from trainer.version import VERSION

LEAST_FREE_BYTES = 1_000_000
"""With less than an epoch of a small network takes, nothing more can be recorded."""

router = APIRouter(tags=["system"], responses=EVERYWHERE)


@router.get("/health")
def read_health(store: TheStore, settings: TheSettings) -> answers.Health:
    """Whether the store answers, and when each worker was last heard. Always 200: `status` tells."""
    try:
        workers, reachable = store.workers(), True
    except StoreUnreachable:
        workers, reachable = [], False
    return answers.Health(
        status="ok" if reachable else "degraded",
        version=VERSION,
        store=answers.StoreHealth(kind=cast(Any, store.kind), reachable=reachable, problem=_problem(store)),
        workers=[_health(worker, settings.silence_limit_seconds) for worker in workers],
    )


def _problem(store: Store) -> str | None:
    free = store.free_bytes()
    if free is None or free >= LEAST_FREE_BYTES:
        return None
    return f"The store's disk is full: {free / 1e6:.1f} MB are left. Free space there."


def _health(worker: Worker, silence_limit_seconds: float) -> answers.WorkerHealth:
    silent = max(0.0, (datetime.now(UTC) - worker.heard_at).total_seconds())
    return answers.WorkerHealth(
        id=worker.id,
        name=worker.name,
        host=worker.host,
        device=worker.device,
        slots=worker.slots,
        heard_at=worker.heard_at,
        heard_seconds_ago=round(silent, 3),
        alive=silent <= silence_limit_seconds,
    )
