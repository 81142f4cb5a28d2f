"""Presets are runs that can be launched as they are."""

import pytest

from contract.config import RunConfig
from contract.presets import PRESETS, Preset


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
    assert (schedule["kind"], schedule["milestones"], schedule["gamma"]) == ("multistep", (100, 150), 0.1)
    assert schedule["warmup"] == 0
    assert (sgd["training"]["epochs"], sgd["training"]["batch_size"]) == (250, 100)
    assert (sgd["neq"]["epsilon"], sgd["neq"]["mu"], sgd["neq"]["probe"]["samples"]) == (1e-3, 0.5, 50)
    assert paper["paper-resnet32-adam"].optimizer.learning_rate == 1e-3


def test_a_description_left_empty_is_the_demo_with_sgd() -> None:
    demo = RunConfig.model_validate(PRESETS[0].config)
    assert RunConfig(name=demo.name, tags=demo.tags) == demo


PAPER = [preset for preset in PRESETS if preset.name.startswith("paper-")]

TABLE = {
    # as printed: dense score and count, NEq's score and count
    "paper-resnet32-sgd": (0.9285, 138.94e6, 0.9296, 84.81e6),
    "paper-resnet32-adam": (None, 138.94e6, 0.92, 64.2e6),
    "paper-resnet18-imagenet": (0.6990, 3.64e9, 0.6962, 2.80e9),
    "paper-swin-b-imagenet": (0.8471, 30.28e9, 0.8435, 10.78e9),
    "paper-deeplabv3-coco": (0.6771, 305.06e9, 0.6722, 217.29e9),
}


def test_every_row_of_the_paper_is_a_recipe_with_its_figures() -> None:
    assert {preset.name for preset in PAPER} == set(TABLE)
    for preset in PAPER:
        assert preset.published is not None
        rows = {figure.kind: figure for figure in preset.published.figures}
        dense, neq = rows["dense"], rows["neq"]
        assert (dense.score, dense.backward_flops, neq.score, neq.backward_flops) == TABLE[preset.name]
        assert preset.published.metric == ("miou" if "deeplab" in preset.name else "accuracy")


def test_a_run_started_from_a_recipe_names_it_and_no_other_preset_claims_figures() -> None:
    for preset in PRESETS:
        recipe = RunConfig.model_validate(preset.config).recipe
        assert recipe == (preset.name if preset.published else "")


def test_published_curves_rise_in_epochs_and_stay_within_the_run() -> None:
    curves = {preset.name: preset.published.frozen_curve for preset in PAPER if preset.published}
    assert curves["paper-resnet32-sgd"]
    for preset in PAPER:
        points = curves[preset.name]
        assert [epoch for epoch, _ in points] == sorted({epoch for epoch, _ in points})
        assert all(0 <= share <= 1 and epoch < preset.config["training"]["epochs"] for epoch, share in points)
