"""Studies as the form's inputs hold them: what the form makes of these inputs are the study's own runs."""

from typing import Any

import pytest

from contract.config import RunConfig
from contract.presets import STUDIES, Scale, Study
from dashboard.form.schema import read_schema
from dashboard.form.studies import BETWEEN, study_inputs
from server.routes.schema import run_config_schema
from server.routes.studies import expanded

FORM = read_schema(run_config_schema())
SCALES = [(study, scale) for study in STUDIES for scale in study.scales]


def inputs(study: Study, scale: Scale) -> dict[str, Any]:
    runs = expanded()[study.name, scale.name]
    return study_inputs(FORM, {"sweep": runs.body, "whole": runs.whole})


@pytest.mark.parametrize(
    ("name", "path", "texts"),
    [
        ("epsilon", "neq.epsilon", "0, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5"),
        ("mu", "neq.mu", "0, 0.5, 0.9"),
        ("probe-size", "neq.probe.split.samples", "10, 50, 200, 600"),
    ],
)
def test_what_varies_stands_in_its_input(name: str, path: str, texts: str) -> None:
    study = next(study for study in STUDIES if study.name == name)
    told = inputs(study, study.here)
    assert told["values"][path] == texts
    assert told["picks"] == {}
    assert [key for key, value in told["values"].items() if isinstance(value, str) and value == texts] == [path]


@pytest.mark.parametrize("scale", ["here", "paper"])
def test_kinds_are_picked_each_with_its_own_fields(scale: str) -> None:
    study = STUDIES[0]
    chosen = next(each for each in study.scales if each.name == scale)
    told = inputs(study, chosen)
    assert told["picks"] == {"optimizer.kind": ["sgd", "adam"]}
    for optimizer in chosen.grid["optimizer"]:
        for name, value in optimizer.items():
            if name != "kind":
                assert float(told["values"][f"optimizer.{optimizer['kind']}.{name}"]) == value


def test_two_of_one_kind_stand_in_the_inputs_of_that_kind() -> None:
    grid = {"optimizer": [{"kind": "sgd", "learning_rate": rate} for rate in (0.1, 0.01)] + [{"kind": "adam"}]}
    sweep = {"base": {}, "grid": grid, "seeds": 2, "group": "g"}
    told = study_inputs(FORM, {"sweep": sweep, "whole": RunConfig().model_dump(mode="json")})
    assert told["values"]["optimizer.sgd.learning_rate"] == BETWEEN.join(("0.1", "0.01"))
    assert told["picks"] == {"optimizer.kind": ["sgd", "adam"]}
    assert (told["seeds"], told["group"]) == ("2", "g")


@pytest.mark.parametrize(("study", "scale"), SCALES, ids=[f"{study.name}-{scale.name}" for study, scale in SCALES])
def test_seeds_group_and_tags_are_filled_in(study: Study, scale: Scale) -> None:
    told = inputs(study, scale)
    assert (told["seeds"], told["group"]) == (str(scale.seeds), study.body(scale)["group"])
    assert told["values"]["tags"][0] == f"study:{study.name}"
