"""Sweeps: what a grid of runs is, whether they can be, and what they will take."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import HTTPException
from pydantic import ValidationError

from contract.checks.capabilities import Capabilities
from contract.checks.finding import Finding
from contract.checks.known import known
from contract.config import RunConfig
from contract.cost_key import cost_key
from contract.sweeps import Cell, Json, SweepWrong, cells, group_name, names
from db import NewRun, Run, Store
from server.checking import as_json
from server.errors import explain

MOST_CELLS_NAMED = 20
"""Of those that an error is about."""
SUFFIX = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(slots=True)
class Sweep:
    """A grid, with what is known of its runs.

    Attributes:
        cells: what is asked for.
        configs: what each of them describes; empty where one of them cannot be.
        names: of the runs; likewise.
        errors: as the API tells them, each once for all the cells that it is about.
        warnings: likewise.
        own_warnings: what is doubtful about each run, as the store keeps it.
    """

    cells: list[Cell]
    configs: list[RunConfig] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)
    warnings: list[Json] = field(default_factory=list)
    own_warnings: list[list[Json]] = field(default_factory=list)


class _Gathered:
    """Entries that several cells have in common, each once."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Json, list[Cell]]] = {}

    def add(self, entry: Json, cell: Cell) -> None:
        _, about = self._found.setdefault(repr(sorted(entry.items(), key=lambda item: item[0])), (entry, []))
        about.append(cell)

    def told(self, runs: int) -> list[Json]:
        """Each with the cells that it is about, none where it is about all."""
        return [
            entry
            | {
                "runs": len(about),
                "cells": [cell.values for cell in about[:MOST_CELLS_NAMED]] if len(about) < runs else [],
            }
            for entry, about in self._found.values()
        ]


def examined(
    base: Json, grid: Mapping[str, Sequence[Any]], seeds: int, workers: Mapping[str, Capabilities | None]
) -> Sweep:
    """The runs of a grid, each held against its description and the living workers.

    Raises:
        HTTPException: 422; the grid itself cannot be.
    """
    try:
        sweep = Sweep(cells(base, grid, seeds))
    except SweepWrong as error:
        entry = {"field": error.field, "message": error.message, "type": "sweep", "input": None}
        raise HTTPException(422, [entry | {"runs": 0, "cells": []}]) from error
    errors, doubts = _Gathered(), _Gathered()
    configs = [_described(cell, errors) for cell in sweep.cells]
    for cell, config in zip(sweep.cells, configs, strict=True):
        if config is not None:
            sweep.own_warnings.append(_checked(cell, config, workers, errors, doubts))
    sweep.errors, sweep.warnings = errors.told(len(sweep.cells)), doubts.told(len(sweep.cells))
    if not sweep.errors:
        sweep.configs = [config for config in configs if config is not None]
        sweep.names = names(str(base.get("name") or ""), sweep.cells, sweep.configs)
    return sweep


def _described(cell: Cell, errors: _Gathered) -> RunConfig | None:
    try:
        return RunConfig.model_validate(cell.description)
    except ValidationError as error:
        for each in error.errors():
            errors.add(explain(each), cell)
    return None


def _checked(
    cell: Cell, config: RunConfig, workers: Mapping[str, Capabilities | None], errors: _Gathered, doubts: _Gathered
) -> list[Json]:
    found = known(config, workers)
    for each in found.errors:
        errors.add(_entry(each) | {"type": "value_error", "input": None}, cell)
    for each in found.warnings:
        doubts.add(_entry(each), cell)
    return as_json(found.warnings)


def _entry(finding: Finding) -> Json:
    return {"field": finding.field, "message": finding.message}


def kinds(sweep: Sweep) -> list[tuple[int, int]]:
    """The runs that cost alike, as the place of the first of them and their number: one dry pass tells of all."""
    found: dict[str, list[int]] = {}
    for place, config in enumerate(sweep.configs):
        found.setdefault(cost_key(config), []).append(place)
    return [(places[0], len(places)) for places in found.values()]


def queued(
    store: Store, sweep: Sweep, grid: Mapping[str, Sequence[Any]], seeds: int, group: str | None, priority: int
) -> list[Run]:
    """Queues all runs of a sweep together, in a group of this name or of one made from what varies."""
    name = group or f"{group_name(grid, seeds)} · {''.join(secrets.choice(SUFFIX) for _ in range(4))}"
    return store.create_runs(
        [
            NewRun(
                name=called,
                notes=config.notes,
                tags=config.tags,
                config=config.model_dump(mode="json") | {"name": called},
                epochs_planned=config.training.epochs,
                group=name,
                priority=priority,
                cost_key=cost_key(config),
                warnings=doubts,
            )
            for called, config, doubts in zip(sweep.names, sweep.configs, sweep.own_warnings, strict=True)
        ]
    )
