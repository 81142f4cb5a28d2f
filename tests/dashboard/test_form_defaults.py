"""A description that an older version stored, made comparable: held against what pydantic makes of the same."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.config import RunConfig
from dashboard.form.defaults import with_defaults
from dashboard.form.schema import read_schema
from tests.dashboard.configs import run_configs

pytestmark = pytest.mark.slow

FORM = read_schema(RunConfig.model_json_schema())


def _addresses(config: dict[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every key of a configuration, of groups and of what they hold."""
    found = []
    for key, value in config.items():
        found.append((*above, key))
        if isinstance(value, dict):
            found += _addresses(value, (*above, key))
    return found


def _without(config: dict[str, Any], address: tuple[str, ...]) -> dict[str, Any]:
    left = copy.deepcopy(config)
    inner = left
    for key in address[:-1]:
        inner = inner[key]
    del inner[address[-1]]
    return left


@given(run_configs(), st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_lacking_stands_at_the_default_that_a_run_would_get(config: RunConfig, data: st.DataObject) -> None:
    whole = config.model_dump(mode="json")
    older = _without(whole, data.draw(st.sampled_from([a for a in _addresses(whole) if a[-1] != "kind"])))
    before = copy.deepcopy(older)
    try:
        expected = RunConfig.model_validate(older).model_dump(mode="json")
    except ValidationError:
        return  # a field without a default; the next test says what becomes of those
    assert with_defaults(FORM, older) == expected
    assert older == before


def test_nothing_given_is_the_default_run() -> None:
    expected = RunConfig().model_dump(mode="json")
    assert with_defaults(FORM, {}) == expected


def test_what_has_no_default_stays_lacking_and_unknown_names_are_kept() -> None:
    filled = with_defaults(FORM, {"data": {"kind": "image-folder"}, "later": {"level": 3}})
    assert "folder" not in filled["data"]
    assert filled["later"] == {"level": 3}
