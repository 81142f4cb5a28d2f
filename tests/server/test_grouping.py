"""Runs grouped by what they have in common: the numbers by hand, and against Python's own statistics."""

import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, update

from contract.filters import Field, filter_text, finds, parse_filter
from db import NewRun, Store
from db.schema import metrics, runs
from db.values import Cell, ValueTable
from server.filters import read_field
from server.grouping import Groups, in_order
from server.schemas import RunGroups, RunList

GROUPED, RUNS = "/api/v1/runs/grouped", "/api/v1/runs"
ROW = {"points": 1, "merged": 0, "chunks": 1, "last_step": 0, "minimum": 0.0, "maximum": 0.0}


@pytest.fixture
def made(store: Store) -> list[str]:
    """Five runs: three of ε = 0.1 with losses 1, 2 and 4, one of 0.01 with loss 7, and one that has neither."""
    ids = []
    for seed, (epsilon, loss, tags) in enumerate(
        [(0.1, 1.0, ["a"]), (0.1, 2.0, ["a", "b"]), (0.1, 4.0, []), (0.01, 7.0, ["b"]), (None, None, [])]
    ):
        config = {"neq": {"epsilon": epsilon}, "seed": seed, "kind": "sgd", "odd": "x" if seed else 3}
        ids.append(store.create_run(name=f"run {seed}", config=config, epochs_planned=1, tags=tags).id)
        if loss is not None:
            with store._database.writing() as connection:
                connection.execute(insert(metrics).values(run_id=ids[-1], name="loss", last=loss, **ROW))
    store.request_stop(ids[0])
    with store._database.writing() as connection:  # of a launched run without an epoch no result counts
        connection.execute(update(runs).values(source="external"))
    return ids


def asked(client: TestClient, **query: Any) -> RunGroups:
    """The answer to a question."""
    answer = client.get(GROUPED, params=query)
    assert answer.status_code == 200, answer.text
    return RunGroups.model_validate_json(answer.content)


def test_each_group_has_mean_and_deviation_of_its_runs(client: TestClient, made: list[str]) -> None:
    answer = asked(client, by="neq.epsilon", fields="metric.loss,seed,kind,odd,nobody,neq.epsilon")
    assert (answer.total, answer.matching) == (3, 5)
    first, second, without = answer.groups
    assert [group.values for group in answer.groups] == [[0.01], [0.1], [None]]
    assert (second.runs, second.states) == (3, {"queued": 2, "stopped": 1})
    assert (second.ids, second.names) == ([made[2], made[1], made[0]], ["run 2", "run 1", "run 0"])
    loss, seed, kind, odd, nobody, epsilon = second.cells
    # The mean of 1, 2, 4 is 7/3; the squares of what is left of them, 16/9 + 1/9 + 25/9, over two, are 7/3.
    assert (loss.known, loss.distinct, loss.value) == (3, 3, None)
    assert loss.mean == pytest.approx(7 / 3, rel=1e-15) and loss.std == pytest.approx(math.sqrt(7 / 3), rel=1e-15)
    assert (seed.mean, seed.std) == (1.0, 1.0)
    assert (kind.value, kind.mean, kind.distinct) == ("sgd", None, 1)
    assert (odd.value, odd.mean, odd.distinct) == (None, None, 2), "a number and texts have no mean"
    assert (nobody.known, nobody.value, nobody.mean, nobody.std) == (0, None, None, None)
    assert (epsilon.value, epsilon.mean, epsilon.std) == (0.1, 0.1, 0.0), "of what is equal exactly that"
    assert (first.cells[0].mean, first.cells[0].std) == (7.0, None), "one run has no deviation"
    assert (without.cells[0].known, without.cells[0].mean) == (0, None)


def test_a_value_that_some_of_the_runs_lack_is_not_common(client: TestClient, made: list[str]) -> None:
    (group,) = asked(client, by="kind", fields="neq.epsilon", where="not seed in (1, 2, 3)").groups
    (epsilon,) = group.cells
    assert (group.runs, epsilon.known, epsilon.distinct, epsilon.value, epsilon.mean) == (2, 1, 1, None, 0.1)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", [0.01, 0.1, None]),
        ("-neq.epsilon", [0.1, 0.01, None]),
        ("runs", [0.01, None, 0.1]),
        ("-runs", [0.1, 0.01, None]),
        ("metric.loss", [0.1, 0.01, None]),
        ("-metric.loss", [0.01, 0.1, None]),
        ("-seed", [None, 0.01, 0.1]),
        ("odd,neq.epsilon", [0.01, None, 0.1]),
    ],
)
def test_groups_are_ordered_by_any_field_and_by_their_size(
    client: TestClient, made: list[str], sort: str, order: list[float | None]
) -> None:
    answer = asked(client, by="neq.epsilon", sort=sort)
    assert [group.values for group in answer.groups] == [[value] for value in order]
    assert answer.groups[0].cells == [], "what is only sorted by is not told"


def test_groups_come_in_pages(client: TestClient, made: list[str]) -> None:
    pages = [asked(client, by="seed", offset=offset, limit=2) for offset in (0, 2, 4, 6)]
    assert [[group.values[0] for group in page.groups] for page in pages] == [[0, 1], [2, 3], [4], []]
    assert {page.total for page in pages} == {5}


@pytest.mark.parametrize(
    "by", ["neq.epsilon", "neq.epsilon,seed", "odd", "tag", "created", "state", "metric.loss", "group", "name", "held"]
)
@pytest.mark.parametrize("narrowed", [{}, {"state": "queued"}, {"where": "seed < 4"}])
def test_the_filter_of_a_group_finds_its_runs(
    client: TestClient, made: list[str], by: str, narrowed: dict[str, str]
) -> None:
    answer = asked(client, by=by, **narrowed)
    assert answer.groups
    for group in answer.groups:
        where = group.where if "where" not in narrowed else f"({narrowed['where']}) and {group.where}"
        found = RunList.model_validate_json(client.get(RUNS, params=narrowed | {"where": where}).content)
        assert [run.id for run in found.runs] == group.ids, group.where


def test_a_run_is_in_the_group_of_each_of_its_tags_and_of_its_day(client: TestClient, made: list[str]) -> None:
    tags = {group.values[0]: group.ids for group in asked(client, by="tag").groups}
    assert tags == {"a": [made[1], made[0]], "b": [made[3], made[1]], None: [made[4], made[2]]}
    (day,) = asked(client, by="created").groups
    assert abs(datetime.fromisoformat(str(day.values[0])).replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(2)


def test_of_two_fields_each_pair_of_values_is_a_group(client: TestClient, made: list[str]) -> None:
    answer = asked(client, by="kind,neq.epsilon", fields="metric.loss")
    assert [(group.values, group.runs) for group in answer.groups] == [
        (["sgd", 0.01], 1),
        (["sgd", 0.1], 3),
        (["sgd", None], 1),
    ]


def test_where_no_run_matches_there_are_no_groups(client: TestClient) -> None:
    assert asked(client, by="tag", fields="seed,metric.x", sort="-seed") == RunGroups(groups=[], total=0, matching=0)


def test_external_runs_are_grouped_too_and_a_value_too_long_has_no_filter(client: TestClient, store: Store) -> None:
    store.begin_external("abc", "w", NewRun(config={"lr": 0.1}, epochs_planned=None, notes="n" * 5_000), 10)
    (group,) = asked(client, by="notes", fields="lr").groups
    assert (group.runs, group.where, group.cells[0].value) == (1, None, 0.1)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"by": ""},
        {"by": " "},
        {"by": "a,"},
        {"by": "-a"},
        {"by": "a,b,c,d,e"},
        {"by": "a\x00"},
        {"by": "a", "sort": "(", "fields": "b"},
        {"by": "a", "fields": ",".join(["b"] * 51)},
        {"by": "a", "where": "state ="},
        {"by": "a", "limit": 501},
        {"by": "a", "limit": 0},
        {"by": "a", "offset": -1},
        {"by": "a", "state": "lost"},
    ],
)
def test_a_question_that_cannot_be_read_is_refused(asker: TestClient, query: dict[str, Any]) -> None:
    assert asker.get(GROUPED, params=query).status_code == 422


numbers = st.one_of(st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.1, 3.0]))
kinds = st.sampled_from([None, "b", "A", 2.0, "2"])


def table_of(keys: Sequence[Cell], values: Sequence[Cell]) -> ValueTable:
    ids = [str(place) for place in range(len(keys))]
    return ValueTable(ids, ids, ["finished"] * len(ids), [keys, values])


@given(rows=st.lists(st.tuples(kinds, numbers), max_size=40))
def test_means_and_deviations_are_those_of_the_statistics_module(rows: list[tuple[Cell, float | None]]) -> None:
    keys, values = [key for key, _ in rows], [value for _, value in rows]
    groups = Groups(table_of(keys, values), [read_field("kind")])
    column = groups.column(0)
    assert set(groups.keys) == {(key,) for key in keys}
    for place, (key,) in enumerate(groups.keys):
        mine = [value for other, value in rows if other == key and value is not None]
        assert (column.known[place], column.distinct[place]) == (len(mine), len(set(mine)))
        is_common = len(set(mine)) == 1 and len(mine) == keys.count(key)
        assert column.common[place] == (mine[0] if is_common else None)
        if mine:
            assert column.mean[place] == pytest.approx(statistics.fmean(mine), rel=1e-12, abs=1e-12)
        if len(mine) > 1:
            assert column.std[place] == pytest.approx(statistics.stdev(mine), rel=1e-7, abs=1e-7)
        assert math.isnan(column.mean[place]) == (not mine) and math.isnan(column.std[place]) == (len(mine) < 2)


def test_a_mean_keeps_its_digits_far_from_zero() -> None:
    column = Groups(table_of(["a"] * 3, [1e9 + 0.1, 1e9 + 0.2, 1e9 + 0.3]), [read_field("kind")]).column(0)
    assert column.mean[0] == pytest.approx(1e9 + 0.2, rel=1e-16) and column.std[0] == pytest.approx(0.1, rel=1e-5)


def test_equal_groups_keep_their_order_and_those_without_a_value_are_last() -> None:
    values = ["b", None, 2.0, "A", 1.0, math.nan, "a"]
    assert in_order([(values, False)], 7) == [4, 2, 3, 6, 0, 1, 5]
    assert in_order([(values, True)], 7) == [0, 3, 6, 2, 4, 1, 5]


fields = st.sampled_from([read_field(each) for each in ("seed", "`my key`", "tag", "metric.x.best", "group", "epochs")])


@given(field=fields, value=st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_found_filter_can_be_read_back(field: Field, value: float | None) -> None:
    tree = finds(field, value)
    assert parse_filter(filter_text(tree)) == tree
