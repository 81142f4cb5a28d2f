"""The leaves of configurations, by which runs are found."""

from typing import Any

import pytest
from sqlalchemy import select

from db import Store
from db.schema import settings
from db.settings import LONGEST_TEXT, MOST_SETTINGS, leaves


def stored(store: Store) -> list[tuple[str, str, str | None, float | None]]:
    with store._database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(settings).order_by(settings.c.path))]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "leaf"),
    [
        (1e-4, (None, 1e-4)),
        (7, (None, 7.0)),
        (True, ("true", None)),
        ("sgd", ("sgd", None)),
        ("", ("", None)),
        ([30, 40], ("[30, 40]", None)),
        ([], ("[]", None)),
        (float("inf"), ("inf", None)),
        (float("nan"), ("nan", None)),
        (10**400, (str(10**400), None)),
        ("x" * 10_000, ("x" * LONGEST_TEXT, None)),
    ],
)
def test_a_value_is_a_number_or_a_text(value: Any, leaf: tuple[str | None, float | None]) -> None:
    assert leaves({"a": {"b": value}}) == [("a.b", *leaf)]


def test_what_has_no_leaf_is_passed_over() -> None:
    config = {"": 1, "a": None, "b": {}, "x" * 300: 1, "c.d": 1, "c": {"d": 2}, "e": 3}
    assert leaves(config) == [("c.d", None, 1.0), ("e", None, 3.0)]


def test_a_configuration_of_any_size_has_its_first_leaves() -> None:
    assert len(leaves({str(number): number for number in range(MOST_SETTINGS + 10)})) == MOST_SETTINGS


def test_they_are_stored_with_a_run_and_go_with_it(store: Store) -> None:
    run = store.create_run(config={"neq": {"epsilon": 0.001}, "optimizer": {"kind": "sgd"}}, epochs_planned=1)
    assert stored(store) == [("neq.epsilon", run.id, None, 0.001), ("optimizer.kind", run.id, "sgd", None)]
    store.delete_run(run.id)
    assert stored(store) == []


def test_texts_that_a_database_refuses_are_stored_nonetheless(store: Store) -> None:
    store.create_run(config={"a\x00b": "c\x00d", "half": "\ud800"}, epochs_planned=1)
    assert [row[0] for row in stored(store)] == ["a\ufffdb", "half"]
