"""What a person reads of wrong values: no word of pydantic's, and numbers as people write them."""

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core.core_schema import ErrorType

from contract.checks.numbers import number
from contract.checks.words import sentence
from contract.config import RunConfig
from contract.ranges import RANGE_WORDS

OURS = {"value_error", "assertion_error"}
"""Raised by validators of ours, in our own words."""


def said(**description: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate(description)
    return [sentence(error) for error in caught.value.errors()]


def sgd(**fields: Any) -> dict[str, Any]:
    return {"optimizer": {"kind": "sgd", **fields}}


@pytest.mark.parametrize("kind", sorted(set(get_args(ErrorType)) - OURS))
def test_no_sentence_is_pydantics(kind: str) -> None:
    names = ("gt", "ge", "lt", "le", "multiple_of", "max_length", "min_length", "expected", "expected_tags")
    context = dict.fromkeys((*names, "expected_schemes"), 12_345)
    words = sentence({"type": kind, "msg": "Input should be something else", "ctx": context})
    assert "Input" not in words and "should" not in words and "{" not in words
    assert "12345" not in words


@pytest.mark.parametrize(
    ("description", "words"),
    [
        (sgd(learning_rate="0,05"), "Use a point: 0.05"),
        (sgd(learning_rate=",5"), "Use a point: 0.5"),
        (sgd(learning_rate="fast"), "Must be a number"),
        (sgd(learning_rate="0..4"), "Must be a number"),
        (sgd(learning_rate="1..5000"), RANGE_WORDS),
        ({"training": {"epochs": "4..1"}}, RANGE_WORDS),
        ({"training": {"epochs": f"0..{'9' * 5000}"}}, RANGE_WORDS),
        (sgd(learning_rate=1e9), "Must be at most 10"),
        (sgd(learning_rate=-1), "Must be above 0"),
        (sgd(learning_rate=True), "Must be a number"),
        ({"training": {"epochs": "1_0"}}, "Write it without separators: 10"),
        ({"training": {"epochs": "1,000"}}, "Write it without separators: 1000"),
        ({"training": {"epochs": "1 000"}}, "Write it without separators: 1000"),
        ({"training": {"epochs": True}}, "Must be a whole number"),
        ({"training": {"epochs": 0}}, "Must be at least 1"),
        ({"training": {"epochs": 1.5}}, "Must be a whole number"),
        ({"training": {"seed": 2**31}}, "Must be at most 2,147,483,647"),
        ({"training": {"max_grad_norm": "1_0"}}, "Write it without separators: 10"),
        ({"schedule": {"kind": "multistep", "milestones": ["1_0"]}}, "Write it without separators: 10"),
        ({"schedule": {"kind": "multistep", "milestones": []}}, "Must have at least 1 entry"),
        ({"tags": ["a,b"]}, "Must not contain a comma"),
        ({"name": "x" * 500}, "Must have at most 120 characters"),
        ({"data": {"kind": "image-folder", "folder": "a/b"}}, "Must be a folder's name alone"),
        ({"data": {"kind": "image-folder", "folder": "../up"}}, "Must be a folder's name alone"),
        ({"neq": {"select": {"kind": "topk", "fraction": 2}}}, "Must be at most 1"),
        ({"neq": {"mu": 1}}, "Must be below 1"),
        ({"neq": {"epsilon": float("nan")}}, "Must be a finite number"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(description: dict[str, Any], words: str) -> None:
    (sentence_said,) = said(**description)
    assert sentence_said.startswith(words)


def test_numbers_written_as_numbers_are_taken() -> None:
    config = RunConfig.model_validate({"training": {"epochs": "10"}, **sgd(learning_rate="5e-2")})
    assert (config.training.epochs, config.optimizer.learning_rate) == (10, 0.05)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2**31 - 1, "2,147,483,647"),
        (0.001, "0.001"),
        (1e-5, "1e-05"),
        (10.0, "10"),
        (65_536, "65,536"),
        (1e9, "1,000,000,000"),
    ],
)
def test_numbers_are_written_as_people_write_them(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_number_that_is_shown_is_exactly_the_number(value: float) -> None:
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=1e-5)


def test_every_pattern_of_a_description_has_words_of_its_own() -> None:
    text = str(RunConfig.model_json_schema())
    patterns = {match.encode().decode("unicode_escape") for match in re.findall(r"'pattern': '([^']+)'", text)}
    assert len(patterns) >= 2
    other = sentence({"type": "string_pattern_mismatch", "ctx": {"pattern": "other"}})
    assert [p for p in patterns if sentence({"type": "string_pattern_mismatch", "ctx": {"pattern": p}}) == other] == []
