"""Checks before launch: what is known at once, and a dry pass on a worker, whose answer is asked for later."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response

from contract.checks.capabilities import Capabilities
from contract.checks.known import Known, digest, known
from contract.config import RunConfig
from db import Check, Store
from server import schemas
from server.checking import as_json, living
from server.placing import on_cluster, placement_of
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheSettings, TheStore, refuse_unstorable
from server.routes.runs import EXAMPLES
from server.serializers import json_answer
from server.writers import IN_TURN

router = APIRouter(prefix="/checks", tags=["runs"], responses=EVERYWHERE | INVALID)

DryPass = Annotated[
    bool, Query(description="Whether a worker makes a dry pass: it builds the network and trains one small batch.")
]
_EMPTY: dict[str, Any] = {
    "id": None,
    "errors": [],
    "warnings": [],
    "placement": None,
    "reason": None,
    "worker": None,
    "seconds": None,
    "peak_memory_bytes": None,
    "neq_memory_bytes": None,
    "parameters": None,
    "neurons": None,
}
ANSWER_SECONDS = 150.0
"""A dry pass takes 120 s at most; after this wait the API says that no worker answered."""
_SAID = ("errors", "reason", "seconds", "peak_memory_bytes", "neq_memory_bytes", "parameters", "neurons")
"""What a worker's answer holds."""


@router.post("", dependencies=[IN_TURN], response_model=schemas.Check)
def check_run(
    store: TheStore,
    settings: TheSettings,
    config: Annotated[RunConfig, Body(openapi_examples=EXAMPLES)],
    dry_pass: DryPass = True,
) -> Response:
    """Check a config without launching it: static findings at once, and the id of a dry pass on a worker.

    The result is cached for some minutes, as long as the workers report the same capabilities.
    """
    refuse_unstorable(config.model_dump(mode="json"))
    return json_answer(checked(store, config, living(store, settings.silence_limit_seconds), dry_pass=dry_pass))


@router.get("/{check_id}", response_model=schemas.Check, responses=UNKNOWN)
def read_check(
    store: TheStore,
    settings: TheSettings,
    check_id: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The id that requesting the check returned.")],
) -> Response:
    """The result of a dry pass, or that it is still pending."""
    check = store.check(check_id)
    workers = living(store, settings.silence_limit_seconds)
    config = RunConfig.model_validate(check.config)
    found = known(config, workers)
    awaited = (check.worker_id,) if check.state == "running" else check.workers
    present = _present(store, check, found, alive=not workers.keys().isdisjoint(awaited))
    return json_answer(present | _placed(store, config, workers))


def checked(
    store: Store, config: RunConfig, workers: Mapping[str, Capabilities | None], *, dry_pass: bool
) -> dict[str, Any]:
    """What is known at once of a run, as the API shows it; where `dry_pass`, a worker is asked to try it."""
    found = known(config, workers)
    placed = _placed(store, config, workers)
    able = [name for name in found.able if not on_cluster(workers[name])]
    if found.errors or not dry_pass or not able:
        state = "refused" if found.errors else "not_asked" if workers else "no_worker"
        return _EMPTY | _known(found) | placed | {"state": state}
    asked = store.ask_check(digest(config, workers), config=config.model_dump(mode="json"), workers=able)
    return _present(store, asked, found, alive=True) | placed


def _placed(store: Store, config: RunConfig, workers: Mapping[str, Capabilities | None]) -> dict[str, Any]:
    before = len(store.queue()) if any(map(on_cluster, workers.values())) else 0
    found = placement_of(config.compute, workers.values(), before)
    return {"placement": None if found is None else found.to_json()}


def _known(found: Known) -> dict[str, Any]:
    return {"errors": as_json(found.errors), "warnings": as_json(found.warnings)}


def _present(store: Store, check: Check, found: Known, *, alive: bool) -> dict[str, Any]:
    """The check as the API shows it; `alive`: somebody is there to answer it."""
    answer = _EMPTY | _known(found) | {"id": check.id}
    if check.state in ("pending", "running"):
        return answer | _awaited(check, alive=alive)
    said = {name: value for name, value in (check.answer or {}).items() if name in _SAID}
    name = next((worker.name for worker in store.workers() if worker.id == check.worker_id), None)
    return answer | said | {"state": check.state, "worker": name}


def _awaited(check: Check, *, alive: bool) -> dict[str, Any]:
    """What is said of a check that has no answer yet."""
    if not alive:
        return {"state": "no_worker"}
    since = check.asked_at if check.begun_at is None else check.begun_at
    if (datetime.now(UTC) - since).total_seconds() <= ANSWER_SECONDS:
        return {"state": "pending"}
    reason = (
        f"No worker responded within {ANSWER_SECONDS:.0f} s: its machine may be busy. The run can still be launched."
    )
    return {"state": "unknown", "reason": reason}
