"""What can be launched, and how display bytes are read."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from fastapi import APIRouter

from contract.checks.capabilities import Capabilities
from contract.checks.known import known
from contract.config import RunConfig
from contract.presets import PRESETS
from db import StoreUnreachable
from server import schemas
from server.arrays.display import FROZEN_BIT, HIGH, LEVELS, LOW
from server.checking import living
from server.descriptions import FormerNames, answered
from server.routes.dependencies import EVERYWHERE, INVALID, TheSettings, TheStore

router = APIRouter(tags=["what can be launched"], responses=EVERYWHERE)


@router.get("/schema/run-config")
async def read_run_config_schema() -> dict[str, Any]:
    """The JSON Schema of a run's config with its defaults; the launch form is drawn from it."""
    return run_config_schema()


@router.get("/schema/display")
async def read_display_scale() -> schemas.DisplayScale:
    """Format of a display byte: bit 7 is the frozen mask; levels 1 … 127 are log10 |v| from `low` to `high`."""
    return schemas.DisplayScale(frozen_bit=FROZEN_BIT, levels=LEVELS, low=LOW, high=HIGH)


@router.get("/presets", responses=INVALID)
def list_presets(store: TheStore, settings: TheSettings, former_names: FormerNames = True) -> schemas.Presets:
    """The presets of the launch form, each with the reason why no online worker can train it, if so."""
    try:
        workers = living(store, settings.silence_limit_seconds)
    except StoreUnreachable:
        workers = {}  # they can still be looked at
    return schemas.Presets(
        presets=[
            preset.model_copy(
                update={
                    "config": answered(preset.config, former_names=former_names),
                    "whole": answered(preset.whole, former_names=former_names),
                    "problem": _problem(config, workers),
                }
            )
            for preset, config in presets()
        ]
    )


def _problem(config: RunConfig, workers: Mapping[str, Capabilities | None]) -> str | None:
    if not workers:
        return None
    return ". ".join(each.message for each in known(config, workers).errors) or None


@cache
def presets() -> tuple[tuple[schemas.Preset, RunConfig], ...]:
    """All of them, each with the whole description that comes of it."""
    found = [(preset, RunConfig.model_validate(preset.config)) for preset in PRESETS]
    return tuple(
        (
            schemas.Preset.model_validate(asdict(preset) | {"whole": config.model_dump(mode="json"), "problem": None}),
            config,
        )
        for preset, config in found
    )


@cache
def run_config_schema() -> dict[str, Any]:
    """The schema, with the whole default run as its `default`."""
    return RunConfig.model_json_schema() | {"default": RunConfig().model_dump(mode="json")}
