"""The small presets train as they are, but for fewer images and a single epoch."""

from pathlib import Path

import pytest

from contract.config import RunConfig
from contract.events import EpochFinished
from contract.presets import PRESETS, Preset
from trainer.engines.environment import Workplace
from trainer.training import train

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "preset", [preset for preset in PRESETS if preset.name.startswith("small-")], ids=lambda preset: preset.name
)
def test_a_small_variant_trains_and_answers_to_its_task(preset: Preset, tmp_path: Path) -> None:
    shortened = RunConfig.model_validate(
        preset.config
        | {
            "data": preset.config["data"] | {"train_samples": 100},
            "training": preset.config["training"] | {"epochs": 1, "batch_size": 20},
            "schedule": {"kind": "constant"},
            "neq": preset.config["neq"] | {"probe": {"kind": "split", "samples": 10}},
        }
    )
    finished = [
        event for event in train(shortened, Workplace(tmp_path, "cpu", threads=1)) if isinstance(event, EpochFinished)
    ]
    assert len(finished) == 1
    assert ("miou" in finished[-1].scores) == (shortened.data.task == "segmentation")
