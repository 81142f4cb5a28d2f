"""Runs that go on: resumed where they ended, or forked with something changed; and from where they can be."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response

from contract.retention import best_of
from db import Run, Store
from server import schemas
from server.checking import living, of_now
from server.forking import planned_fork, queue_fork
from server.routes.checks import DryPass, checked
from server.routes.dependencies import CONFLICT, EVERYWHERE, INVALID, UNKNOWN, TheRun, TheSettings, TheStore
from server.serializers import address_of_run, json_answer, present_run
from server.writers import IN_TURN

router = APIRouter(prefix="/runs/{run_id}", tags=["runs"], responses=EVERYWHERE | UNKNOWN | INVALID)

EXAMPLES = {
    "threshold": {"summary": "The same, with another threshold", "value": {"neq": {"epsilon": 0.003}}},
    "longer": {"summary": "Train it further", "value": {"training": {"epochs": 80}}},
}


@router.post("/resume", dependencies=[IN_TURN], status_code=202, response_model=schemas.Run, responses=CONFLICT)
def resume_run(store: TheStore, run: TheRun) -> Response:
    """Resume a stopped or failed run from its last checkpoint, as if it had never stopped."""
    return json_answer(present_run(store, store.resume(run.id)), 202)


ForkEpoch = Annotated[
    int | None,
    Query(ge=0, le=1_000_000, description="The fork starts after this epoch; default: the latest checkpoint."),
]
ForkBody = Annotated[dict[str, Any] | None, Body(openapi_examples=EXAMPLES)]


@router.post("/fork", dependencies=[IN_TURN], status_code=201, response_model=schemas.Run)
def fork_run(
    store: TheStore, settings: TheSettings, run: TheRun, epoch: ForkEpoch = None, part: ForkBody = None
) -> Response:
    """Queue a new run that continues from a checkpoint of this one with a changed config.

    The body is merged into this run's config: omitted fields stay. Model, data, probe set and seed cannot be changed.
    """
    planned = planned_fork(run, epoch, part or {})
    workers = living(store, settings.silence_limit_seconds)
    made, warnings = queue_fork(store, planned, workers)
    told = {"warnings": [*warnings, *of_now(workers)]}
    return json_answer(present_run(store, made) | told, 201, {"Location": address_of_run(settings, made)})


@router.post("/fork/check", dependencies=[IN_TURN], response_model=schemas.Check)
def check_fork(
    store: TheStore,
    settings: TheSettings,
    run: TheRun,
    epoch: ForkEpoch = None,
    part: ForkBody = None,
    dry_pass: DryPass = True,
) -> Response:
    """Check a fork without launching it, as `/checks` does for a new run."""
    planned = planned_fork(run, epoch, part or {})
    answer = checked(store, planned.config, living(store, settings.silence_limit_seconds), dry_pass=dry_pass)
    return json_answer(answer | {"warnings": [*planned.warnings, *answer["warnings"]]})


@router.get("/checkpoints", response_model=schemas.Checkpoints)
def list_checkpoints(store: TheStore, run: TheRun) -> Response:
    """The run's available checkpoints, oldest first: it can be forked after each of these epochs."""
    return json_answer({"checkpoints": _checkpoints(store, run)})


@router.get("/forks", response_model=schemas.Forks)
def list_forks(store: TheStore, run: TheRun) -> Response:
    """The runs that were forked from this one, oldest first, without deleted ones."""
    forks = [
        {"id": each.id, "name": each.name, "state": each.state, "epoch": each.parent_epoch}
        for each in store.forks(run.id)
    ]
    return json_answer({"forks": forks})


def _checkpoints(store: Store, run: Run) -> list[dict[str, Any]]:
    kept = store.checkpoints(run.id)
    accuracy = {
        each.payload["epoch"]: each.payload["test_accuracy"] for each in store.epochs_after(run.id, layers=False)
    }
    best = best_of({each.epoch: accuracy.get(each.epoch) for each in kept})
    return [
        {
            "epoch": each.epoch,
            "size_bytes": each.size_bytes,
            "test_accuracy": accuracy.get(each.epoch),
            "last": each is kept[-1],
            "best": each.epoch == best,
        }
        for each in kept
    ]
