"""Filters, orders and completion over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient
from sqlalchemy import insert, update

from cli.main import app
from contract.filters import (
    CHOICES,
    MOST_COMPARISONS,
    MOST_NESTED,
    MOST_VALUES,
    RUN_FIELDS,
    FilterError,
    parse_filter,
)
from db import RunSource, RunState, Store
from db.filters import Compared, OfRun, RunColumn
from db.run_values import is_logged
from db.schema import metrics, runs
from server.filters import COLUMNS, stored_filter
from server.schemas import FilterFields, RunList

pytestmark = pytest.mark.slow

RUNS, FIELDS = "/api/v1/runs", "/api/v1/fields"
KINDS = ("sgd", "adam", "sgd")
EPSILONS = (0.001, 0.01, "0.001")


@pytest.fixture
def made(store: Store) -> list[str]:
    """Three runs: the second has no metric, the third its threshold as a text."""
    ids = []
    for place, (kind, epsilon) in enumerate(zip(KINDS, EPSILONS, strict=True)):
        config = {"optimizer": {"kind": kind}, "neq": {"epsilon": epsilon}, "tags": "x", "pin": place == 0}
        ids.append(
            store.create_run(config=config, epochs_planned=1, name=f"Run {place}", tags=["odd"] * (place % 2)).id
        )
    with store._database.writing() as connection:
        for place, loss in ((0, 3.0), (2, 1.0)):
            row = {"points": 1, "merged": 0, "chunks": 1, "last": 2.0, "last_step": 0, "minimum": loss, "maximum": 9.0}
            connection.execute(insert(metrics).values(run_id=ids[place], name="val/loss", **row))
    return ids


def places(client: TestClient, made: list[str], **query: Any) -> list[int]:
    """Which of the runs are answered, in the order of the answer."""
    answer = client.get(RUNS, params=query)
    assert answer.status_code == 200, answer.text
    found = RunList.model_validate_json(answer.content)
    return [made.index(run.id) for run in found.runs]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("optimizer.kind = sgd", {0, 2}),
        ("neq.epsilon = 1e-3", {0}),
        ("neq.epsilon = 0.001", {0, 2}),
        ("neq.epsilon = '0.001'", {0, 2}),
        ("neq.epsilon != 0.001", {1}),
        ("neq.epsilon < 0.01", {0}),
        ("neq.epsilon in (0.01, 7)", {1}),
        ("missing != 1", set()),
        ("not missing = 1", {0, 1, 2}),
        ("pin = true", {0}),
        ("tag = odd", {1}),
        ("tag != odd", {0, 2}),
        ("`tags` = x", {0, 1, 2}),
        ("name ~ 'RUN 1'", {1}),
        ("metric.val/loss.best <= 1", {2}),
        ("metric.val/loss.max > 8 and metric.val/loss = 2", {0, 2}),
        ("state = queued and (optimizer.kind = adam or metric.val/loss.min = 3)", {0, 1}),
        ("created > 1h", {0, 1, 2}),
        ("created < 1h", set()),
        ("archived = true", set()),
        ("held = false and epochs < 1", {0, 1, 2}),
    ],
)
def test_runs_are_found_by_a_filter(client: TestClient, made: list[str], where: str, found: set[int]) -> None:
    assert set(places(client, made, where=where)) == found
    assert client.get(RUNS, params={"where": where, "limit": 1}).json()["total"] == len(found)


@pytest.mark.parametrize(
    "where",
    [
        f"tag in (a{',b' * (MOST_VALUES - 2)},odd)",
        f"not tag in (a{',b' * (MOST_VALUES - 2)}) and tag = odd",
        "created in (1999-11-30" + ",1999-11-30" * 150 + ") or tag = odd",
        "(" * MOST_NESTED + "tag = odd" + ")" * MOST_NESTED,
        " and ".join(["tag = odd"] * MOST_COMPARISONS),
        " and ".join(["seed != 1"] * (MOST_COMPARISONS - 1)) + " or name ~ 'run 1'",
        "name ~ 'RUN 1' and not notes ~ '" + "".join(map(chr, range(0x3B1, 0x3B1 + 700))) + "'",
    ],
)
def test_the_largest_filters_are_answered(client: TestClient, made: list[str], where: str) -> None:
    assert places(client, made, where=where) == [1]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("created", [0, 1, 2]),
        ("-created", [2, 1, 0]),
        ("neq.epsilon", [0, 1, 2]),
        ("-neq.epsilon", [2, 1, 0]),
        ("metric.val/loss.best", [2, 0, 1]),
        ("-metric.val/loss.best", [0, 2, 1]),
        ("optimizer.kind,name", [1, 0, 2]),
        ("optimizer.kind,-name", [1, 2, 0]),
        ("tag", [1, 2, 0]),
    ],
)
def test_runs_are_sorted_and_paged(client: TestClient, made: list[str], sort: str, order: list[int]) -> None:
    assert places(client, made, sort=sort) == order
    assert places(client, made, sort=sort, offset=1, limit=1) == order[1:2]
    answer = client.get(RUNS, params={"sort": sort, "limit": 1}).json()
    assert (answer["next"], answer["total"]) == (None, 3)


def test_a_list_that_asks_for_nothing_is_not_counted(client: TestClient, made: list[str]) -> None:
    answer = client.get(RUNS, params={"where": " ", "sort": "", "limit": 2}).json()
    assert answer["total"] is None
    assert len(client.get(RUNS, params={"cursor": answer["next"]}).json()["runs"]) == 1
    assert client.get(RUNS, params={"offset": 0}).json()["total"] == 3


def test_a_filter_that_asks_for_archived_runs_finds_them(client: TestClient, store: Store, made: list[str]) -> None:
    store.archive(made[1], True)
    assert places(client, made) == [2, 0]
    assert places(client, made, where="archived = true or name = 'Run 0'") == [1, 0]
    assert places(client, made, where="archived = true", archived="no") == []


@pytest.mark.parametrize(
    ("query", "entry"),
    [
        (
            {"where": "state = runing"},
            ("where", "queued, running, finished, stopped or failed, never runing: did you mean running?", 8, 14),
        ),
        ({"where": "tag ="}, ("where", "A value must stand here", 5, 5)),
        ({"sort": "created,,"}, ("sort", "A field must stand here", 8, 9)),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    client: TestClient, query: dict[str, str], entry: tuple[Any, ...]
) -> None:
    answer = client.get(RUNS, params=query)
    assert answer.status_code == 422
    (told,) = answer.json()["detail"]
    field, message, start, end = entry
    assert (told["field"], told["start"], told["end"]) == (field, start, end)
    assert message in told["message"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"where": "a" * 2_001}, "where"),
        ({"where": "tag = '\x00'"}, "where"),
        ({"offset": -1}, "offset"),
        ({"offset": 10**20}, "offset"),
        ({"offset": 1, "cursor": "0-a"}, "cursor"),
        ({"sort": "name", "cursor": "0-a"}, "cursor"),
    ],
)
def test_what_is_out_of_bounds_is_refused(client: TestClient, query: dict[str, Any], field: str) -> None:
    answer = client.get(RUNS, params=query)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["detail"]] == [field]


def test_a_day_is_found_whole_in_utc(client: TestClient, store: Store, made: list[str]) -> None:
    day = datetime(2026, 11, 30, tzinfo=UTC)
    moments = (day - timedelta(microseconds=1), day, day + timedelta(days=1))
    with store._database.writing() as connection:
        for run_id, moment in zip(made, moments, strict=True):
            connection.execute(update(runs).where(runs.c.id == run_id).values(created_at=moment))
    expected = {"=": {1}, "!=": {0, 2}, "<": {0}, "<=": {0, 1}, ">": {2}, ">=": {1, 2}}
    for operator, found in expected.items():
        assert set(places(client, made, where=f"created {operator} 2026-11-30")) == found
    assert set(places(client, made, where="created in (2026-11-29, 2026-12-01)")) == {0, 2}


def test_a_time_before_now_is_counted_from_now() -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    asked = stored_filter(parse_filter("created >= 7d"), now)
    assert asked == Compared(OfRun("created_at"), ">=", (now - timedelta(days=7),))


def test_fields_are_listed_for_completion(client: TestClient, made: list[str]) -> None:
    found = FilterFields.model_validate_json(client.get(FIELDS).content)
    kinds = {each.field: each.kind for each in found.fields}
    assert kinds == RUN_FIELDS | {
        "metric.val/loss": "metric",
        "neq.epsilon": "setting",
        "optimizer.kind": "setting",
        "pin": "setting",
        "tags": "setting",
    }
    assert (found.more, found.values) == (False, None)
    assert [each.values for each in found.fields if each.field in ("state", "held")] == [
        list(CHOICES["state"]),
        ["true", "false"],
    ]


@pytest.mark.parametrize(
    ("prefix", "fields"),
    [
        ("n", ["name", "notes", "neq.epsilon"]),
        ("metric.val", ["metric.val/loss"]),
        ("met", ["metric.val/loss"]),
        ("metric.x", []),
        ("%", []),
    ],
)
def test_fields_are_completed(client: TestClient, made: list[str], prefix: str, fields: list[str]) -> None:
    assert [each["field"] for each in client.get(FIELDS, params={"prefix": prefix}).json()["fields"]] == fields


def test_a_list_of_fields_that_goes_on_says_so(client: TestClient, made: list[str]) -> None:
    answer = client.get(FIELDS, params={"limit": 2, "prefix": "o"}).json()
    assert answer["more"] is False
    assert client.get(FIELDS, params={"limit": 2}).json()["more"] is True


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("optimizer.kind", [("sgd", 2), ("adam", 1)]),
        ("neq.epsilon", [("0.001", 2), ("0.01", 1)]),
        ("tag", [("odd", 1)]),
        ("held", [("false", 3)]),
        ("created", None),
        ("metric.val/loss.last", None),
        ("nobody", []),
    ],
)
def test_frequent_values_of_a_field_are_listed(
    client: TestClient, made: list[str], field: str, values: list[tuple[str, int]] | None
) -> None:
    told = client.get(FIELDS, params={"field": field}).json()["values"]
    assert told == (None if values is None else [{"value": value, "runs": number} for value, number in values])


def test_a_field_that_cannot_be_read_is_refused(client: TestClient) -> None:
    (told,) = client.get(FIELDS, params={"field": "a b"}).json()["detail"]
    assert (told["field"], told["start"], told["end"]) == ("field", 2, 3)


def test_the_language_knows_the_stores_states_and_columns() -> None:
    assert {"state": get_args(RunState), "source": get_args(RunSource)} == CHOICES
    assert set(COLUMNS) == set(RUN_FIELDS)
    assert set(COLUMNS.values()) == set(get_args(RunColumn))
    assert all(column in runs.c or is_logged(column) for column in COLUMNS.values())
    with pytest.raises(FilterError):
        parse_filter("state = anything")


def listed(address: str, *words: str) -> Result:
    """What `neq runs` says."""
    return CliRunner().invoke(app, ["runs", *words], env={"NEQ_URL": address, "NEQ_TOKEN": None})


def test_the_command_line_filters_and_sorts(address: str, made: list[str]) -> None:
    found = listed(address, "--where", "optimizer.kind = sgd", "--sort", "metric.val/loss.best", "--json")
    assert [json.loads(line)["id"] for line in found.stdout.splitlines()] == [made[2], made[0]]
    assert listed(address, "--where", "optimizer.kind = none").stdout == "No run matches.\n"


def test_a_sorted_list_of_the_command_line_goes_on_over_pages(address: str, store: Store) -> None:
    for place in range(203):
        store.create_run(config={"place": place}, epochs_planned=1)
    found = listed(address, "--sort", "-place", "--limit", "202", "--json")
    places = [json.loads(line)["config"]["place"] for line in found.stdout.splitlines()]
    assert places == list(range(202, 0, -1))


def test_the_command_line_underlines_what_is_wrong(address: str, made: list[str]) -> None:
    said = listed(address, "--where", "tag = odd and state = runing")
    assert said.exit_code == 2
    first, text, carets = said.stderr.splitlines()
    assert first.startswith("neq: where: state is queued")
    assert text[carets.index("^") : carets.rindex("^") + 1] == "runing"
    at_end = listed(address, "--sort", "name,").stderr.splitlines()
    assert at_end[1:] == ["  name,", "       ^"]
