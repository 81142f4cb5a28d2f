"""What the form shows of a configuration is, sent back by the browser's script, the same configuration."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from playwright.sync_api import Page

from contract.config import RunConfig
from dashboard.form.plan import plan_of
from dashboard.form.schema import read_schema
from dashboard.form.values import values_of
from dashboard.modules import FOLDER
from tests.chromium import Chromium
from tests.dashboard.configs import run_configs

FORM = read_schema(RunConfig.model_json_schema())
VALUES = FOLDER / "form-page" / "values.js"


@pytest.fixture(scope="module")
def script(chromium: Chromium) -> Iterator[Page]:
    """The form's module that needs no page, with the plan of RunConfig's form."""
    page = chromium.new_context().new_page()
    page.add_script_tag(content=f"{VALUES.read_text()}\nwindow.form = {{ toConfig, placeOf, stepped }};", type="module")
    page.wait_for_function("() => window.form")
    page.evaluate("plan => { window.plan = plan; }", plan_of(FORM))
    yield page
    page.close()


def sent(script: Page, values: dict[str, Any]) -> dict[str, Any]:
    """What the form would post."""
    config: dict[str, Any] = script.evaluate("values => form.toConfig(plan, values)", values)
    return config


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(config=run_configs())
def test_any_valid_configuration_survives_the_form(script: Page, config: RunConfig) -> None:
    values = values_of(FORM, config.model_dump(mode="json"))
    assert RunConfig.model_validate(sent(script, values)) == config


def test_the_untouched_form_is_the_default_run(script: Page) -> None:
    assert RunConfig.model_validate(sent(script, values_of(FORM))) == RunConfig()


def test_values_of_variants_that_are_not_chosen_are_not_sent(script: Page) -> None:
    values = values_of(FORM) | {"optimizer.kind": "adamw", "optimizer.sgd.momentum": "0.3"}
    optimizer = sent(script, values)["optimizer"]
    assert optimizer == {"kind": "adamw", "learning_rate": 0.001, "weight_decay": 0.01, "beta1": 0.9, "beta2": 0.999}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("1e-3", 0.001), (" .5 ", 0.5), ("1E2", 100), ("-1", -1), ("", ""), ("abc", "abc"), ("0x10", "0x10")],
)
def test_text_that_is_no_number_goes_to_the_server_as_it_is(script: Page, typed: str, meant: float | str) -> None:
    assert sent(script, values_of(FORM) | {"neq.epsilon": typed})["neq"]["epsilon"] == meant


@pytest.mark.parametrize(
    ("typed", "meant"), [("16, 16,32", [16, 16, 32]), ("8 8;9", [8, 8, 9]), ("", []), ("4, x", [4, "x"])]
)
def test_a_list_may_be_parted_by_commas_or_spaces(script: Page, typed: str, meant: list[Any]) -> None:
    assert sent(script, values_of(FORM) | {"model.cnn.channels": typed})["model"]["channels"] == meant


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("optimizer.learning_rate", "optimizer.sgd.learning_rate"),
        ("model.channels.2", "model.cnn.channels"),
        ("optimizer.kind", "optimizer.kind"),
        ("optimizer", "optimizer.kind"),
        ("neq.probe.samples", "neq.probe.split.samples"),
        ("tags.0", "tags"),
        ("optimizer.beta1", None),
        ("", None),
    ],
)
def test_a_message_finds_the_input_of_the_chosen_variant(script: Page, field: str, path: str | None) -> None:
    place = "([field, values]) => form.placeOf(field, plan, values)?.path ?? null"
    assert script.evaluate(place, [field, values_of(FORM)]) == path


@pytest.mark.parametrize(
    ("value", "step", "up", "then"),
    [("0.001", "log", True, 0.002), ("0.001", "log", False, 0.0005), ("0", "log", True, 1e-6), ("5", "1", True, 6)],
)
def test_arrow_keys_step_along_the_scale(script: Page, value: str, step: str, up: bool, then: float) -> None:
    got = script.evaluate("([value, step, up]) => form.stepped(value, step, up)", [value, step, up])
    assert math.isclose(got, then)
