"""What a run told when it started: of its program, and how much of its network is watched."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import APIRouter, Response

from db import Run, Store
from server import schemas
from server.routes.dependencies import EVERYWHERE, INVALID, UNKNOWN, TheRun, TheStore
from server.serializers import json_answer

MOST_MODULES = 100
"""Listed one by one, as each watch lists its own."""

router = APIRouter(prefix="/runs/{run_id}", tags=["what a run recorded"], responses=EVERYWHERE | UNKNOWN | INVALID)


@router.get("/coverage", response_model=schemas.RunCoverage)
def read_coverage(store: TheStore, run: TheRun) -> Response:
    """How much of the network is watched, and which modules are not and why."""
    if run.source == "external":
        watches = store.events_after(run.id, 0, kinds=("watch_started",))
        return json_answer({"coverage": together(each.payload for each in watches)})
    started = _started(store, run)
    return json_answer({"coverage": None if started is None else started.get("coverage")})


@router.get("/started", response_model=schemas.RunStart)
def read_started(store: TheStore, run: TheRun) -> Response:
    """What a run said of its program when it started: its command, machine, commit and versions."""
    started = _started(store, run)
    facts = ("device", "versions", "commit", "command", "script", "host", "pid", "warnings")
    return json_answer({"started": None if started is None else {name: started.get(name) for name in facts}})


def _started(store: Store, run: Run) -> dict[str, Any] | None:
    found = store.events_after(run.id, 0, limit=1, kinds=("run_started",), newest=True)
    return found[0].payload if found else None


def together(watches: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The coverage of several watches as that of one network; None where one of them does not tell its own.

    Of watches under one name, as of a training that began anew, the newest counts.
    """
    told = {watch["name"]: watch.get("coverage") for watch in watches}
    newest: dict[str | None, dict[str, Any]] = {name: each for name, each in told.items() if each is not None}
    if not newest or len(newest) < len(told):
        return None
    if len(newest) == 1:
        (alone,) = newest.values()
        return alone
    numbers = ("parameters", "watched", "more_modules", "more_parameters")
    total: dict[str, Any] = {name: sum(each[name] for each in newest.values()) for name in numbers}
    left = [
        module | {"name": f"{name}/{module['name']}" if name else module["name"]}
        for name, each in newest.items()
        for module in each["unwatched"]
    ]
    left.sort(key=lambda module: -module["parameters"])
    rest = left[MOST_MODULES:]
    total["more_modules"] += len(rest)
    total["more_parameters"] += sum(module["parameters"] for module in rest)
    fraction = total["watched"] / total["parameters"] if total["parameters"] else 0.0
    return total | {"fraction": fraction, "unwatched": left[:MOST_MODULES]}
