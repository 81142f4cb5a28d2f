"""Studies are grids of runs that can be launched as they are, and say where their published values come from."""

from typing import Any

import pytest

from contract.config import RunConfig
from contract.presets import STUDIES, Scale, Study
from contract.presets.study import TAG
from contract.sweeps import LONGEST_NAME, MOST_RUNS, Cell, cells, names

SCALES = [(study, scale) for study in STUDIES for scale in study.scales]
at_both_scales = pytest.mark.parametrize(
    ("study", "scale"), SCALES, ids=[f"{study.name}-{scale.name}" for study, scale in SCALES]
)
each_study = pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)


def runs_of(study: Study, scale: Scale) -> tuple[list[Cell], list[RunConfig]]:
    body = study.body(scale)
    found = cells(body["base"], body["grid"], body["seeds"])
    return found, [RunConfig.model_validate(cell.description) for cell in found]


@at_both_scales
def test_each_cell_is_a_run_of_its_own_that_tells_its_study(study: Study, scale: Scale) -> None:
    found, configs = runs_of(study, scale)
    called = names("", found, configs)
    assert 1 < len(configs) <= MOST_RUNS
    assert len({config.model_dump_json() for config in configs}) == len(configs)
    assert len(set(called)) == len(called) and max(map(len, called)) <= LONGEST_NAME
    assert 0 < len(study.body(scale)["group"]) <= LONGEST_NAME
    assert all(f"{TAG}{study.name}" in config.tags and len(config.tags) <= 20 for config in configs)


@at_both_scales
def test_the_scaling_is_said_and_the_small_runs_need_no_download(study: Study, scale: Scale) -> None:
    _, configs = runs_of(study, scale)
    assert scale.said.endswith(".")
    small = scale.name == "here"
    assert {config.data.kind for config in configs} == {"fashion-mnist-mini" if small else "cifar10"}
    assert {config.training.epochs for config in configs} == {40 if small else 250}
    assert ("scaled" in configs[0].tags) == small
    words = ("here a small CNN", f"{configs[0].training.epochs} epochs") if small else ("as published", "250 epochs")
    assert all(each in scale.said for each in words)


def value_at(description: dict[str, Any], path: str) -> Any:
    found: Any = description
    for name in path.split("."):
        found = found[name]
    return found


@at_both_scales
def test_each_published_point_is_of_a_setting_that_the_grid_has(study: Study, scale: Scale) -> None:
    _, configs = runs_of(study, scale)
    described = [config.model_dump(mode="json") for config in configs]
    for point in study.published.points:
        assert any(all(value_at(each, path) == value for path, value in point.values.items()) for each in described), (
            point.label
        )


@each_study
def test_published_values_have_a_source_and_missing_ones_are_said(study: Study) -> None:
    published = study.published
    assert "arXiv 2207.09455" in published.source
    assert published.points or "no points are drawn" in published.words
    for point in published.points:
        assert point.metrics.keys() <= {"test_accuracy", "frozen_fraction"} and "test_accuracy" in point.metrics
        assert all(0 <= value <= 1 for value in point.metrics.values())
    assert len({point.label for point in published.points}) == len(published.points)


def test_the_published_sweeps_are_as_printed() -> None:
    by_name = {study.name: study.published.points for study in STUDIES}
    assert [
        (point.values["neq.epsilon"], *(round(100 * value, 2) for value in point.metrics.values()))
        for point in by_name["epsilon"]
    ] == [
        (0, 93.05, 0.9),
        (1e-4, 92.95, 20.2),
        (5e-4, 93.10, 93.3),
        (1e-3, 92.97, 98.0),
        (5e-3, 91.98, 99.56),
        (1e-2, 91.39, 99.56),
        (5e-2, 86.49, 99.56),
        (0.1, 83.98, 99.56),
        (0.5, 74.70, 99.56),
    ]
    assert [(point.values["neq.mu"], point.metrics["test_accuracy"]) for point in by_name["mu"]] == [
        (0, 0.9242),
        (0.5, 0.9251),
        (0.9, 0.9253),
    ]
    assert [(point.values["optimizer.kind"], point.metrics["test_accuracy"]) for point in by_name["optimizer"]] == [
        ("sgd", 0.9296),
        ("adam", 0.92),
    ]
