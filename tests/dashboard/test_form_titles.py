"""The titles of a run's settings: those that the form has, for every setting of every kind of run."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from contract.config import RunConfig
from dashboard.form.parts import Choice, Field, Group, walk
from dashboard.form.schema import read_schema
from dashboard.form.titles import setting_titles
from tests.dashboard.configs import run_configs

pytestmark = pytest.mark.slow

FORM = read_schema(RunConfig.model_json_schema())
ABOUT_IT = {"name", "tags", "notes", "recipe"}
EVERY_PART = list(walk(FORM.parts))


def paths(config: dict[str, Any], above: str = "") -> set[str]:
    """The dotted path of every setting that is no group."""
    found: set[str] = set()
    for name, value in config.items():
        found |= paths(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}"}
    return found - ABOUT_IT


def titles_in_the_form(path: str) -> set[str]:
    """What the form calls a setting, in whichever kinds have it."""
    fields = {part.title for part in EVERY_PART if isinstance(part, Field) and part.field == path}
    choices = {part.title for part in EVERY_PART if isinstance(part, Choice) and part.selector_field == path}
    return fields | choices


@given(run_configs())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_setting_is_called_as_in_the_form(config: RunConfig) -> None:
    described = config.model_dump(mode="json")
    titles = setting_titles(FORM, [described])
    for path in paths(described):
        group, _, rest = path.partition(".")
        if rest == "kind":
            assert titles[path] == "Kind"
        else:
            assert titles[path].rpartition(" · ")[2] in titles_in_the_form(path), path
        assert titles[group] in {part.title for part in FORM.parts if isinstance(part, Group | Choice)}


def test_a_setting_within_a_group_is_told_with_it() -> None:
    titles = setting_titles(FORM, [RunConfig().model_dump(mode="json")])
    assert titles["neq.probe.kind"] == "Probe set"
    assert titles["neq.probe.samples"] == "Probe set · Probe images"
    assert titles["neq.pinning"] == "Never thaw"
    assert "neq.probe.fraction" not in titles  # of another kind of probe set


def test_the_kinds_of_several_runs_are_told_together() -> None:
    kinds: list[dict[str, Any]] = [
        {"optimizer": {"kind": "adam", "beta1": 0.9}},
        {"optimizer": {"kind": "sgd", "momentum": 0.9}},
    ]
    titles = setting_titles(FORM, kinds)
    assert (titles["optimizer.momentum"], titles["optimizer"]) == ("Momentum", "Optimizer")
    assert "optimizer.beta1" in titles


@pytest.mark.parametrize("config", [{}, {"neq": 3, "mine": {"lr": 1}}, {"optimizer": {"kind": "mine", "lr": 1}}])
def test_what_the_form_does_not_know_has_no_title(config: dict[str, Any]) -> None:
    settings_of_a_group = {path for path in setting_titles(FORM, [config]) if "." in path}
    assert settings_of_a_group <= {"optimizer.kind"}
