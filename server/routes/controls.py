"""Controls: what a saving is held against, launched beside the runs that it is claimed of."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Body, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from contract.base import wrong_field
from contract.checks.known import known
from contract.cost_key import cost_key
from db import NewRun, Run, Store
from server import schemas
from server.checking import as_json, living
from server.controls import CONTROLS, PREFIX, TAG, Control, NoControl, Planned, planned
from server.routes.actions import MOST_RUNS, RunId
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheSettings, TheStore, refuse_unstorable
from server.routes.runs import Group
from server.serializers import json_answer
from server.writers import IN_TURN

router = APIRouter(tags=["comparing"], responses=EVERYWHERE | INVALID)

Left = list[dict[str, str]]


class ControlsBody(BaseModel):
    """Which controls of which runs: their ids, or a group."""

    model_config = ConfigDict(extra="forbid")
    ids: Annotated[list[RunId], Field(max_length=MOST_RUNS // len(CONTROLS))] | None = None
    group: Group | None = None
    controls: Annotated[list[Control], Field(min_length=1, max_length=len(CONTROLS))] = list(CONTROLS)

    @model_validator(mode="after")
    def _says_for_which_runs(self) -> Self:
        if (self.ids is None) == (self.group is None):
            raise wrong_field("ids", "give the ids of the runs, or the group that they are in")
        return self


@router.post(
    "/controls", status_code=201, dependencies=[IN_TURN], response_model=schemas.ControlsQueued, responses=UNKNOWN
)
def queue_controls(store: TheStore, settings: TheSettings, body: Annotated[ControlsBody, Body()]) -> Response:
    """Queue controls of runs, with their seed, in their group: what their saving is held against.

    dense: nobody freezes. random: as many neurons as the rule would freeze, drawn at random. prefix: the first layers,
    frozen before the first step, that hold about as many neurons. replay: the run's own masks. shorter: dense, and
    ended where it has trained for as long. What cannot be queued is left out, and told why; a control that is there
    already is not queued again.
    """
    refuse_unstorable(body.model_dump())
    workers = living(store, settings.silence_limit_seconds)
    new: list[NewRun] = []
    left: Left = []
    for run in _chosen(store, body):
        for each in _wanted(store, run, body.controls, left):
            found = known(each.config, workers)
            if found.errors:
                left.append(_why(run, each.control, f"{found.errors[0].field}: {found.errors[0].message}."))
            else:
                new.append(_new(each, as_json(found.warnings)))
    if not new and not left:
        raise HTTPException(404, f"There is no run in the group {body.group!r}.")
    made = store.create_runs(new) if new else []
    runs = [{"id": run.id, "name": run.name, "url": f"/runs/{run.id}"} for run in made]
    return json_answer({"runs": runs, "left_out": left}, 201)


def _chosen(store: Store, body: ControlsBody) -> list[Run]:
    if body.ids is not None:
        return [store.run(run_id) for run_id in dict.fromkeys(body.ids)]
    most = MOST_RUNS // len(CONTROLS)
    runs = store.runs(group=body.group, limit=most).items
    return [run for run in runs if not any(tag.startswith(PREFIX) for tag in run.tags)]


def _wanted(store: Store, run: Run, controls: list[Control], left: Left) -> list[Planned]:
    there = {_kind_of(each) for each in store.runs(tag=TAG.format(run.id), archived=None, limit=100).items}
    found = []
    for control in dict.fromkeys(controls):
        try:
            each = planned(store, run, control)
        except NoControl as error:
            left.append(_why(run, control, str(error)))
            continue
        if each.config.name in there:
            left.append(_why(run, control, "It is there already."))
        else:
            found.append(each)
    return found


def _kind_of(run: Run) -> str:
    return str(run.config.get("name"))


def _why(run: Run, control: Control, message: str) -> dict[str, str]:
    return {"run": run.id, "control": control, "message": message}


def _new(each: Planned, warnings: list[dict[str, Any]]) -> NewRun:
    config = each.config
    return NewRun(
        name=config.name,
        notes=config.notes,
        tags=config.tags,
        config=config.model_dump(mode="json"),
        epochs_planned=config.training.epochs,
        group=each.of.group or f"{each.of.name} and its controls"[:100],
        cost_key=cost_key(config),
        warnings=warnings,
    )
