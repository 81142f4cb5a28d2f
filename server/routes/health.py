"""How the system is."""

from typing import Any, cast

from fastapi import APIRouter

from contract.checks.capabilities import said
from contract.version import VERSION
from db import Worker
from server import schemas
from server.checking import is_alive, silent_seconds
from server.routes.dependencies import EVERYWHERE, TheSettings, TheStore
from server.routes.probes import TheReadiness

NO_WORKER = "No worker is online: queued runs wait until one is started with `neq worker`."

router = APIRouter(tags=["system"], responses=EVERYWHERE)


@router.head("/health", include_in_schema=False)
@router.get("/health")
async def read_health(store: TheStore, settings: TheSettings, readiness: TheReadiness) -> schemas.Health:
    """Whether runs can be recorded and trained, and each worker's last heartbeat. Always 200: see `status`."""
    found = await readiness.find()
    condition = found.condition
    workers = [_health(worker, settings.silence_limit_seconds) for worker in found.workers]
    idle = condition.store is None and not any(worker.alive for worker in workers)
    problems = (*condition.problems, *((NO_WORKER,) if idle else ()))
    return schemas.Health(
        status="degraded" if problems else "ok",
        problems=problems,
        version=VERSION,
        store=schemas.StoreHealth(
            kind=cast(Any, store.kind),
            reachable=condition.store is None,
            problem=condition.disk or condition.schema,
        ),
        workers=workers,
    )


def _health(worker: Worker, silence_limit_seconds: float) -> schemas.WorkerHealth:
    return schemas.WorkerHealth(
        id=worker.id,
        name=worker.name,
        host=worker.host,
        device=worker.device,
        slots=worker.slots,
        heard_at=worker.heard_at,
        heard_seconds_ago=round(silent_seconds(worker), 3),
        alive=is_alive(worker, silence_limit_seconds),
        capabilities=None if worker.capabilities is None else said(worker.capabilities),
    )
