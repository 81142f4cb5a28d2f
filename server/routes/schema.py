"""What can be launched, and how display bytes are read."""

from dataclasses import asdict
from functools import cache
from typing import Any

from fastapi import APIRouter

from server import answers
from server.display import FROZEN_BIT, HIGH, LEVELS, LOW
from server.routes.dependencies import EVERYWHERE
from trainer.config import RunConfig
from trainer.presets import PRESETS

router = APIRouter(tags=["what can be launched"], responses=EVERYWHERE)


@router.get("/schema/run-config")
async def read_run_config_schema() -> dict[str, Any]:
    """The JSON Schema of a run's description, defaults included: the launch form is drawn from it."""
    return run_config_schema()


@router.get("/schema/display")
async def read_display_scale() -> answers.DisplayScale:
    """How a display byte is read: bit 7 is the decided mask; levels 1 … 127 are log10 |v| from `low` to `high`."""
    return answers.DisplayScale(frozen_bit=FROZEN_BIT, levels=LEVELS, low=LOW, high=HIGH)


@router.get("/presets")
async def list_presets() -> answers.Presets:
    """Starting points for the launch form."""
    return presets()


@cache
def presets() -> answers.Presets:
    """All of them, each with the whole description that comes of it."""
    found = [
        asdict(preset) | {"whole": RunConfig.model_validate(preset.config).model_dump(mode="json")}
        for preset in PRESETS
    ]
    return answers.Presets.model_validate({"presets": found})


@cache
def run_config_schema() -> dict[str, Any]:
    """The schema, with the whole default run as its `default`."""
    return RunConfig.model_json_schema() | {"default": RunConfig().model_dump(mode="json")}
