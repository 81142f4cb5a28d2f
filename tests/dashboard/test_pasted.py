"""A description that was pasted: what fills the form, and what is refused with field, reason and remedy."""

import pytest
from hypothesis import given, settings

from contract.config import RunConfig
from dashboard.form.pasted import PastedWrong, read_pasted
from dashboard.form.schema import read_schema
from dashboard.form.values import values_of
from tests.dashboard.configs import run_configs

FORM = read_schema(RunConfig.model_json_schema())


@given(run_configs())
@settings(max_examples=50, deadline=None)
def test_what_copy_as_json_gives_fills_the_form_as_the_run_itself_would(config: RunConfig) -> None:
    assert read_pasted(FORM, config.model_dump_json()) == values_of(FORM, config.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "This is no JSON"),
        ("[1]", "paste an object"),
        ('{"neqq": {}}', "neqq is no field of a run. Did you mean neq?"),
        ('{"training": 5}', "training must be an object"),
        ('{"model": {"kind": "cmm"}}', "model.kind is 'cmm': choose one of"),
        ('{"neq": {"select": {"kind": "epsilon", "share": 1}}}', "neq.select."),
    ],
)
def test_what_cannot_fill_the_form_is_named(text: str, words: str) -> None:
    with pytest.raises(PastedWrong, match=words.replace("?", r"\?")):
        read_pasted(FORM, text)
