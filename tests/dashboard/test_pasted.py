"""A description that was pasted: what fills the form, and what is refused with field, reason and remedy."""

import json

import pytest
from hypothesis import HealthCheck, given, settings

from contract.config import RunConfig
from contract.former_names import with_former_names
from dashboard.form.defaults import with_defaults
from dashboard.form.pasted import PastedWrong, read_pasted
from dashboard.form.schema import read_schema
from dashboard.form.values import values_of
from tests.dashboard.configs import run_configs

pytestmark = pytest.mark.slow

FORM = read_schema(RunConfig.model_json_schema())


@given(run_configs())
@settings(max_examples=50, deadline=None)
def test_what_copy_as_json_gives_fills_the_form_as_the_run_itself_would(config: RunConfig) -> None:
    assert read_pasted(FORM, config.model_dump_json()) == values_of(FORM, config.model_dump(mode="json"))


@given(run_configs())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_former_names_fill_the_form_as_todays_do(config: RunConfig) -> None:
    written = config.model_dump(mode="json")
    both = with_former_names(RunConfig, written)
    assert read_pasted(FORM, json.dumps(both)) == values_of(FORM, written)
    assert with_defaults(FORM, both) == written
    assert read_pasted(FORM, '{"schedule": {"factor": 0.25}}')["schedule.multistep.gamma"] == "0.25"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "This is not valid JSON"),
        ("[1]", "paste an object"),
        ('{"neqq": {}}', "neqq is not a config field. Did you mean neq?"),
        (
            '{"schedule": {"factor": 0.2, "gamma": 0.3}}',
            "factor is the former name of schedule.gamma, and says something",
        ),
        ('{"schedule": {"kind": "cosine", "factor": 0.2}}', "schedule.factor is not a config field"),
        ('{"training": 5}', "training must be an object"),
        ('{"model": {"kind": "cmm"}}', "model.kind is 'cmm': choose one of"),
        ('{"neq": {"select": {"kind": "epsilon", "fraction": 1}}}', "neq.select."),
    ],
)
def test_what_cannot_fill_the_form_is_named(text: str, words: str) -> None:
    with pytest.raises(PastedWrong, match=words.replace("?", r"\?")):
        read_pasted(FORM, text)
