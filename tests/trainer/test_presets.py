"""Presets are runs that can be launched as they are."""

import pytest

from trainer.config import RunConfig
from trainer.presets import PRESETS, Preset


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_is_a_valid_run_and_says_what_it_shows(preset: Preset) -> None:
    RunConfig.model_validate(preset.config)
    assert preset.title
    assert preset.description.endswith(".")


def test_each_preset_has_a_name_of_its_own() -> None:
    names = [preset.name for preset in PRESETS]
    assert len(set(names)) == len(names)
    assert {"demo-sgd", "demo-adam", "paper-resnet32-sgd", "paper-resnet32-adam", "baseline", "quick-look"} <= set(
        names
    )


def test_the_two_demo_runs_differ_in_their_optimizer_alone() -> None:
    sgd, adam = (
        RunConfig.model_validate(preset.config).model_dump(exclude={"name"})
        for preset in PRESETS
        if preset.name in {"demo-sgd", "demo-adam"}
    )
    assert [field for field in sgd if sgd[field] != adam[field]] == ["optimizer"]


def test_the_paper_presets_hold_the_papers_values() -> None:
    paper = {preset.name: RunConfig.model_validate(preset.config) for preset in PRESETS}
    sgd = paper["paper-resnet32-sgd"].model_dump()
    assert sgd["optimizer"] == {
        "kind": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "nesterov": False,
    }
    schedule = sgd["schedule"]
    assert (schedule["kind"], schedule["milestones"], schedule["factor"]) == ("multistep", (100, 150), 0.1)
    assert schedule["warmup"] == 0
    assert (sgd["training"]["epochs"], sgd["training"]["batch_size"]) == (250, 100)
    assert (sgd["neq"]["epsilon"], sgd["neq"]["mu"], sgd["neq"]["probe"]["samples"]) == (1e-3, 0.5, 50)
    assert paper["paper-resnet32-adam"].optimizer.learning_rate == 1e-3


def test_a_description_left_empty_is_the_demo_with_sgd() -> None:
    demo = RunConfig.model_validate(PRESETS[0].config)
    assert RunConfig(name=demo.name, tags=demo.tags) == demo
