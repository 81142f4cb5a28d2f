"""Runs: launch, list, read, describe, stop, delete."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, HTTPException, Query, Response, status
from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, ValidationError
from pydantic import Tag as PydanticTag

from contract.config import Compute, RunConfig, Tag
from contract.cost_key import cost_key
from contract.filters import LONGEST_FIELDS, LONGEST_SORT
from contract.parts import RunId, WriterId
from db import NewRun, Run, Store, TooManyRecorded, UnknownCursor
from server import schemas
from server.checking import living, of_now, refuse_what_fails
from server.descriptions import FormerNames
from server.filters import read_fields, read_sort
from server.placing import placement_of
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
from server.routes.narrowing import Narrowed, PlainText
from server.serializers import address_of_run, brief_config, json_answer, present_run, present_runs
from server.settings import ServerSettings
from server.writers import IN_TURN

router = APIRouter(prefix="/runs", tags=["runs"], responses=EVERYWHERE | INVALID)

Group = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
TOO_MANY: dict[int | str, dict[str, Any]] = {
    429: {"model": schemas.Problem, "description": "As many external runs are recorded as may be; `Retry-After` says."}
}
RETRY_SECONDS = 10
"""A recorder that died is given up within some thirty seconds."""
Sort = Query(
    max_length=LONGEST_SORT,
    pattern=r"^[^\x00]*$",
    description="Fields between commas, the first decisive; with a minus in front the greatest comes first.",
    examples=["-metric.val/accuracy.best,neq.epsilon"],
)
Fields = Query(
    max_length=LONGEST_FIELDS,
    pattern=r"^[^\x00]*$",
    description="Fields of the filter language between commas, at most 50: each run then has their `values`.",
    examples=["neq.epsilon,metric.val/accuracy.best"],
)
Config = Query(
    description="brief: of each config only what tells runs apart at a glance, the kinds of optimizer, model and data, "
    "or the first four settings of an external run."
)
MOST_PASSED_OVER = 10_000_000

EXAMPLES = {
    "default": {"summary": "All defaults", "value": {}},
    "adam": {
        "summary": "Another optimizer and threshold",
        "value": {
            "name": "Adam, patient",
            "optimizer": {"kind": "adam", "learning_rate": 0.001},
            "training": {"epochs": 40},
            "neq": {"epsilon": 0.003},
        },
    },
}


class RunChange(BaseModel):
    """What may be changed of a run at any time; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] | None = Field(
        default=None, description="Default: a name derived from the config."
    )
    notes: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    tags: Annotated[tuple[Tag, ...], Field(max_length=20)] | None = None


class ExternalRun(BaseModel):
    """A run that a training script records: what its recorder says of it."""

    model_config = ConfigDict(extra="forbid")
    source: Literal["external"]
    id: RunId
    writer: WriterId
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] | None = None
    config: dict[str, Any] = Field(default_factory=dict, description="Whatever describes the training; at most 1 MB.")
    tags: Annotated[tuple[Tag, ...], Field(max_length=20)] = ()
    notes: Annotated[str, StringConstraints(max_length=10_000)] = ""
    group: Group | None = None
    epochs: Annotated[int, Field(ge=1, le=10_000_000)] | None = None


def _source(body: object) -> str:
    return "external" if isinstance(body, dict) and "source" in body else "launched"


NewRunBody = Annotated[
    Annotated[RunConfig, PydanticTag("launched")] | Annotated[ExternalRun, PydanticTag("external")],
    Discriminator(_source),
]


@router.post("", status_code=201, dependencies=[IN_TURN], response_model=schemas.Run, responses=TOO_MANY)
def make_run(
    store: TheStore, settings: TheSettings, body: Annotated[NewRunBody, Body(openapi_examples=EXAMPLES)]
) -> Response:
    """Queue a run. `{}` is a valid body: every field has a default.

    A config that is known to fail on every online worker is rejected; doubts are listed in the run's `warnings`.
    That no worker is online is reported in this response only.

    With `source: "external"` the run is one that a training script records: it is running at once, and told part by
    part. Asked again by the same writer, it is the same run, answered with 200. The server has a limit of such runs
    at once, whoever records them.
    """
    return _begin(store, settings, body) if isinstance(body, ExternalRun) else _launch(store, settings, body)


def _begin(store: Store, settings: ServerSettings, body: ExternalRun) -> Response:
    refuse_unstorable(body.config)
    new = NewRun(
        config=body.config,
        epochs_planned=body.epochs,
        name=body.name or body.id,
        notes=body.notes,
        tags=body.tags,
        group=body.group,
    )
    try:
        run, made = store.begin_external(body.id, body.writer, new, settings.most_external_runs)
    except TooManyRecorded as error:
        said = f"{str(error).rstrip('.')}, or raise NEQ_MOST_EXTERNAL_RUNS"
        raise HTTPException(429, said, {"Retry-After": str(RETRY_SECONDS)}) from error
    status, headers = (201, {"Location": address_of_run(settings, run)}) if made else (200, {})
    return json_answer(present_run(store, run), status, headers)


def _launch(store: Store, settings: ServerSettings, config: RunConfig) -> Response:
    described = config.model_dump(mode="json")
    refuse_unstorable(described)
    workers = living(store, settings.silence_limit_seconds)
    warnings = refuse_what_fails(config, workers)
    run = store.create_run(
        name=config.display_name(),
        notes=config.notes,
        tags=config.tags,
        config=described,
        epochs_planned=config.training.epochs,
        cost_key=cost_key(config),
        warnings=warnings,
    )
    told = {"warnings": [*warnings, *of_now(workers, config)]}
    return json_answer(present_run(store, run) | told, 201, {"Location": address_of_run(settings, run)})


@router.get("", response_model=schemas.RunList)
def list_runs(
    store: TheStore,
    narrowed: Narrowed,
    state: Annotated[schemas.State | None, Query(description="Only runs in this state.")] = None,
    sort: Annotated[str | None, Sort] = None,
    fields: Annotated[str | None, Fields] = None,
    config: Annotated[Literal["whole", "brief"], Config] = "whole",
    cursor: Annotated[str | None, PlainText] = None,
    offset: Annotated[int | None, Query(ge=0, le=MOST_PASSED_OVER, description="How many runs to pass over.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Runs per page.")] = 50,
    former_names: FormerNames = True,
) -> Response:
    """The runs, newest first, or as `sort` asks. `search` covers name, notes, tags and id.

    `next` is the cursor of the next page of the order newest first; other orders are paged by `offset`.
    """
    keys = read_sort(sort) if sort and sort.strip() else ()
    subjects = read_fields(fields) if fields and fields.strip() else ()
    if cursor and (keys or offset):
        raise invalid_query("cursor", "Page by offset alone where sort or offset is given", cursor)
    asked = narrowed | {"state": state}
    try:
        page = store.runs(**asked, sort=keys, cursor=cursor or None, offset=offset or 0, limit=limit)
    except UnknownCursor as error:
        raise invalid_query("cursor", str(error), cursor) from error
    counted = asked["where"] is not None or bool(keys) or offset is not None
    shown = present_runs(store, page.items, former_names=former_names and config == "whole")
    if subjects:
        values = store.values_of((run.id for run in page.items), subjects)
        shown = [run | {"values": values[run["id"]]} for run in shown]
    if config == "brief":
        shown = [run | {"config": brief_config(run["source"], run["config"])} for run in shown]
    answer = {"runs": shown, "next": page.next, "total": store.count_runs(**asked) if counted else None}
    return json_answer(answer)


@router.get("/{run_id}", response_model=schemas.Run, responses=UNKNOWN)
def read_run(store: TheStore, settings: TheSettings, run: TheRun, former_names: FormerNames = True) -> Response:
    """A run in its current state."""
    shown = present_run(store, run, former_names=former_names)
    if shown["queue"] is not None:
        shown["queue"] |= {"placement": _placement(store, settings, run, before=shown["queue"]["position"] - 1)}
    return json_answer(shown)


def _placement(store: Store, settings: ServerSettings, run: Run, before: int) -> dict[str, Any] | None:
    try:
        compute = Compute.model_validate(run.config.get("compute", {}))
    except ValidationError:  # of another version
        return None
    found = placement_of(compute, living(store, settings.silence_limit_seconds).values(), before)
    return None if found is None else found.to_json()


@router.patch("/{run_id}", dependencies=[IN_TURN], response_model=schemas.Run, responses=UNKNOWN)
def describe_run(store: TheStore, run: TheRun, change: RunChange) -> Response:
    """Change name, notes or tags of a run in any state."""
    refuse_unstorable(change.model_dump())
    name = change.name
    if name == "":
        name = RunConfig.model_validate(run.config | {"name": ""}).display_name()
    changed = store.describe_run(run.id, name=name, notes=change.notes, tags=change.tags)
    return json_answer(present_run(store, changed))


@router.delete(
    "/{run_id}", dependencies=[IN_TURN], status_code=status.HTTP_204_NO_CONTENT, responses=UNKNOWN | CONFLICT
)
def delete_run(store: TheStore, run: TheRun) -> None:
    """Delete a run and everything it recorded. A running one must be stopped first."""
    store.delete_run(run.id)


@router.post(
    "/{run_id}/stop", dependencies=[IN_TURN], status_code=202, response_model=schemas.Run, responses=UNKNOWN | CONFLICT
)
def stop_run(store: TheStore, run: TheRun) -> Response:
    """Request a stop: a queued run stops at once, a running one within seconds."""
    return json_answer(present_run(store, store.request_stop(run.id)), 202)
