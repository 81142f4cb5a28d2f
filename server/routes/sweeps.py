"""Sweeps: many runs queued at once, all of them or none; and the groups that runs are in."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from db import Store
from server import schemas
from server.checking import living, of_now
from server.costs import estimate
from server.routes.dependencies import EVERYWHERE, INVALID, TheSettings, TheStore, refuse_unstorable
from server.routes.runs import Group
from server.serializers import json_answer
from server.sweeps import Sweep, examined, kinds, queued
from server.writers import IN_TURN

router = APIRouter(tags=["runs"], responses=EVERYWHERE)

MOST_FIRST = 50
MOST_TRIED = 4
"""Kinds of runs that a preview gives an example of: each takes a dry pass of some seconds."""
REFUSED: dict[int | str, dict[str, Any]] = {
    422: {"model": schemas.SweepProblems, "description": "The grid or one of its runs cannot be; nothing was queued."}
}
EXAMPLES = {
    "thresholds": {
        "summary": "Two thresholds, two optimizers, three seeds: 12 runs",
        "value": {
            "base": {"training": {"epochs": 20}},
            "grid": {"neq.epsilon": [0.0001, 0.001], "optimizer.kind": ["sgd", "adam"]},
            "seeds": 3,
            "group": "thresholds",
        },
    }
}


class SweepBody(BaseModel):
    """A grid of runs."""

    model_config = ConfigDict(extra="forbid")
    base: dict[str, Any] = Field(default_factory=dict, description="A RunConfig, or a part of one.")
    grid: dict[str, list[Any]] = Field(
        default_factory=dict,
        max_length=50,
        description="Values by dotted path; the last path varies fastest. An object with another `kind` brings its own "
        "fields alone.",
    )
    seeds: int = Field(default=1, ge=1, le=1_000, description="Runs of each combination, with consecutive seeds.")
    group: Group | None = Field(default=None, description="Default: a name made from what varies.")
    priority: int = Field(default=0, ge=-10, le=10)


TheSweep = Annotated[SweepBody, Body(openapi_examples=EXAMPLES)]


@router.post("/sweeps/preview", response_model=schemas.SweepPreview, responses=REFUSED)
def preview_sweep(store: TheStore, settings: TheSettings, body: TheSweep) -> Response:
    """What a sweep would queue, what is wrong with it, and what it will take; nothing is queued."""
    sweep, slots = _looked_at(store, settings.silence_limit_seconds, body)
    planned = zip(sweep.names[:MOST_FIRST], sweep.cells, strict=False)
    alike = kinds(sweep)
    return json_answer(
        {
            "runs": len(sweep.cells),
            "first": [{"name": name, "values": cell.values} for name, cell in planned],
            "errors": sweep.errors,
            "warnings": sweep.warnings,
            "kinds": len(alike),
            "examples": [_example(sweep, place, runs) for place, runs in alike[:MOST_TRIED]],
            "estimate": None if sweep.errors else estimate(store, sweep.configs, slots),
        }
    )


def _example(sweep: Sweep, place: int, runs: int) -> dict[str, Any]:
    return {"name": sweep.names[place], "runs": runs, "config": sweep.configs[place].model_dump(mode="json")}


@router.post("/sweeps", status_code=201, dependencies=[IN_TURN], response_model=schemas.SweepQueued, responses=REFUSED)
def queue_sweep(store: TheStore, settings: TheSettings, body: TheSweep) -> Response:
    """Queue one run for each combination of values and each seed: all of them, or none."""
    sweep, _ = _looked_at(store, settings.silence_limit_seconds, body)
    if sweep.errors:
        raise HTTPException(422, sweep.errors)
    runs = queued(store, sweep, body.grid, body.seeds, body.group, body.priority)
    return json_answer(
        {
            "group": runs[0].group,
            "runs": [{"id": run.id, "name": run.name, "url": f"/runs/{run.id}"} for run in runs],
            "warnings": sweep.warnings,
        },
        201,
    )


def _looked_at(store: Store, silence_limit_seconds: float, body: SweepBody) -> tuple[Sweep, int]:
    """The sweep, with how many runs the living workers train at once."""
    refuse_unstorable(body.model_dump())
    workers = living(store, silence_limit_seconds)
    sweep = examined(body.base, body.grid, body.seeds, workers)
    sweep.warnings += [each | {"runs": len(sweep.cells), "cells": []} for each in of_now(workers)]
    return sweep, sum(worker.slots for worker in store.workers() if worker.id in workers)


@router.get("/groups", response_model=schemas.Groups, responses=INVALID)
def list_groups(store: TheStore, limit: Annotated[int, Query(ge=1, le=500, description="Groups.")] = 100) -> Response:
    """The groups of runs that are not archived, the newest first."""
    return json_answer({"groups": store.groups(limit)})
