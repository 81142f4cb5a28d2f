"""Runs that go on: resumed where they ended, or forked with something changed; and from where they can be."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from contract.checks.finding import Finding
from contract.config import RunConfig
from contract.config.forking import changes, refused
from contract.config.overlay import laid_over
from contract.cost_key import cost_key
from contract.former_names import with_current_names
from contract.retention import best_of
from db import NewRun, Run, Store, UnknownCheckpoint
from server import schemas
from server.checking import as_json, living, of_now, refuse_what_fails
from server.descriptions import current
from server.routes.checks import DryPass, checked
from server.routes.dependencies import (
    CONFLICT,
    EVERYWHERE,
    INVALID,
    UNKNOWN,
    TheRun,
    TheSettings,
    TheStore,
    invalid_query,
    refuse_unstorable,
)
from server.serializers import address_of_run, json_answer, present_run
from server.writers import IN_TURN

router = APIRouter(prefix="/runs/{run_id}", tags=["runs"], responses=EVERYWHERE | UNKNOWN | INVALID)

LONGEST_NAME = 120
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
    after = _fork_point(run, epoch)
    before, config = _described(run), _changed(run, part or {})
    _refuse(before, config, after)
    workers = living(store, settings.silence_limit_seconds)
    warnings = [*_unchanged(before, config, after), *refuse_what_fails(config, workers)]
    made = store.fork(
        run.id,
        after,
        NewRun(
            name=config.display_name(),
            notes=config.notes,
            tags=config.tags,
            config=config.model_dump(mode="json"),
            epochs_planned=config.training.epochs,
            cost_key=cost_key(config),
            warnings=warnings,
        ),
        words=_words(run, after, before, config),
    )
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
    after = _fork_point(run, epoch)
    before, config = _described(run), _changed(run, part or {})
    _refuse(before, config, after)
    answer = checked(store, config, living(store, settings.silence_limit_seconds), dry_pass=dry_pass)
    return json_answer(answer | {"warnings": [*_unchanged(before, config, after), *answer["warnings"]]})


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


def _fork_point(run: Run, epoch: int | None) -> int:
    if epoch is not None:
        return epoch
    if run.checkpoint_epoch is None:
        raise UnknownCheckpoint(run.id, max(0, run.epochs_done - 1), ())
    return run.checkpoint_epoch


def _described(run: Run) -> RunConfig:
    try:
        return RunConfig.model_validate(run.config)
    except ValidationError as error:
        message = "This run's config was written by another version and cannot be read"
        raise invalid_query("run_id", message, run.id) from error


def _changed(run: Run, part: dict[str, Any]) -> RunConfig:
    own = {"name": f"{run.name[: LONGEST_NAME - 7]} · fork", "notes": run.notes, "tags": list(run.tags)}
    try:
        before = current(run.config) | own
        config = RunConfig.model_validate(laid_over(before, with_current_names(RunConfig, part, beside=before)))
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error
    refuse_unstorable(config.model_dump(mode="json"))
    return config


def _refuse(before: RunConfig, config: RunConfig, after: int) -> None:
    wrong = refused(before, config)
    if config.training.epochs <= after + 1:
        wrong["training.epochs"] = f"Must be above {after + 1}, the number of epochs already trained"
    if wrong:
        given = changes(before, config)
        raise RequestValidationError(
            [
                {
                    "type": "value_error",
                    "loc": ("body",),
                    "msg": why,
                    "input": given.get(path, (None, config.training.epochs))[1],
                    "ctx": {"field": path},
                }
                for path, why in wrong.items()
            ]
        )


def _unchanged(before: RunConfig, config: RunConfig, after: int) -> list[dict[str, Any]]:
    if changes(before, config):
        return []
    message = (
        f"Nothing is changed, so the fork would repeat the other run from epoch {after + 1} on: change neq.epsilon, "
        "the optimizer or the schedule for instance"
    )
    return as_json([Finding("", message)])


def _words(run: Run, after: int, before: RunConfig, config: RunConfig) -> str:
    told = ", ".join(f"{path} {was} → {now}" for path, (was, now) in changes(before, config).items())
    return f"Forked from run {run.id} ({run.name}) after epoch {after}: {told or 'nothing changed'}."
