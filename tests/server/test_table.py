"""What the table of runs asks: values of columns, brief configs, and counts by state."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, update

from contract.config import RunConfig
from contract.filters import MOST_FIELDS
from db import EventRecord, MetricPoints, NewRun, Store
from db.schema import metrics, runs
from server.schemas import RunCounts, RunList

RUNS, COUNTS = "/api/v1/runs", "/api/v1/runs/counts"


@pytest.fixture
def made(store: Store) -> list[str]:
    """Three queued runs, of which the last is stopped; the first has a metric."""
    ids = [
        store.create_run(config={"neq": {"epsilon": epsilon}, "pin": True}, epochs_planned=1, tags=["x"] * place).id
        for place, epsilon in enumerate((0.001, "low", None))
    ]
    row = {"points": 1, "merged": 0, "chunks": 1, "last": 2.0, "last_step": 0, "minimum": 1.0, "maximum": 9.0}
    with store._database.writing() as connection:
        connection.execute(insert(metrics).values(run_id=ids[0], name="val/loss", **row))
    store.request_stop(ids[2])
    return ids


def test_runs_have_the_values_that_are_asked_for(client: TestClient, made: list[str]) -> None:
    fields = "neq.epsilon,metric.val/loss.best,metric.val/loss.max,metric.val/loss,tag,epochs,pin,nobody"
    answer = RunList.model_validate_json(client.get(RUNS, params={"fields": fields, "sort": "created"}).content)
    assert [run.values for run in answer.runs] == [
        [0.001, 1.0, 9.0, 2.0, [], 0.0, "true", None],
        ["low", None, None, None, ["x"], 0.0, "true", None],
        [None, None, None, None, ["x", "x"], 0.0, "true", None],
    ]


def log(store: Store, run_id: str, name: str, *values: float) -> None:
    """A metric of an external run, as its script logs it."""
    number = np.arange(len(values))
    told = MetricPoints(name, number, number.astype(np.int32), number.astype(float), np.array(values))
    payload = {"kind": "metrics_logged", "series": [{"name": name, "points": len(values)}]}
    record = EventRecord(kind="metrics_logged", payload=payload, at=datetime.now(UTC), points=(told,))
    store.append_part(run_id, "w", store.run(run_id).writer_seq + 1, [record])


def test_a_metric_is_shown_sorted_and_filtered_by_at_an_epoch(client: TestClient, store: Store) -> None:
    ids = []
    for values in ((0.5, 0.1), (0.4, 0.7), (0.4,)):
        run, _ = store.begin_external(f"run{len(ids)}", "w", NewRun(config={}, epochs_planned=None), 10)
        log(store, run.id, "loss", *values)
        ids.append(run.id)
    asked = {"fields": "metric.loss.at.1,metric.loss.at.0", "sort": "-metric.loss.at.1", "offset": "0"}
    answer = RunList.model_validate_json(client.get(RUNS, params=asked).content)
    assert [(run.id, run.values) for run in answer.runs] == [
        (ids[1], [0.7, 0.4]),
        (ids[0], [0.1, 0.5]),
        (ids[2], [None, 0.4]),
    ]
    found = client.get(RUNS, params={"where": "metric.loss.at.0 = 0.4 and not metric.loss.at.1 < 1"}).json()
    assert [run["id"] for run in found["runs"]] == [ids[2]]
    (group,) = client.get(f"{RUNS}/grouped", params={"by": "source", "fields": "metric.loss.at.1"}).json()["groups"]
    assert (group["cells"][0]["known"], group["cells"][0]["mean"]) == (2, pytest.approx(0.4))


@pytest.fixture
def logged(store: Store) -> dict[str, str]:
    """A launched run of 80 %, and scripts' runs: one of 90 % after 95, one in per cent, and one that says nothing."""
    ids = {"launched": store.create_run(config={}, epochs_planned=1).id}
    for name in ("fraction", "percent", "nothing"):
        ids[name] = store.begin_external(name, "w", NewRun(config={}, epochs_planned=None), 10)[0].id
    with store._database.writing() as connection:
        told = {"test_accuracy": 0.8, "best_test_accuracy": 0.85}
        connection.execute(update(runs).where(runs.c.id == ids["launched"]).values(**told))
    log(store, "fraction", "acc", 0.1)
    log(store, "fraction", "val_accuracy", 0.95, 0.9)
    log(store, "fraction", "val/loss", 0.3, 0.4)
    log(store, "percent", "eval/accuracy", 70.0, 75.0)
    return ids


def test_what_scripts_log_as_accuracy_and_loss_is_filtered_sorted_and_shown(
    client: TestClient, logged: dict[str, str]
) -> None:
    fields = {"fields": "accuracy,best_accuracy,test_loss,best_test_loss", "sort": "-accuracy", "offset": "0"}
    answer = RunList.model_validate_json(client.get(RUNS, params=fields).content)
    assert [(run.id, run.values) for run in answer.runs] == [
        ("percent", [75.0, 75.0, None, None]),
        ("fraction", [0.9, 0.95, 0.4, 0.3]),
        (logged["launched"], [0.8, 0.85, None, None]),
        ("nothing", [None, None, None, None]),
    ]
    shown = {run.id: run.logged_accuracy and run.logged_accuracy.name for run in answer.runs}
    assert shown == {
        "percent": "eval/accuracy",
        "fraction": "val_accuracy",
        logged["launched"]: None,
        "nothing": None,
    }
    found = client.get(RUNS, params={"where": "accuracy >= 0.9 and not accuracy > 1 and test_loss < 0.5"}).json()
    assert [run["id"] for run in found["runs"]] == ["fraction"]
    assert client.get(COUNTS, params={"where": "not accuracy > 0"}).json()["total"] == 1


def test_groups_have_means_of_what_scripts_log(client: TestClient, store: Store, logged: dict[str, str]) -> None:
    with store._database.writing() as connection:  # a launched run without an epoch says nothing
        connection.execute(update(runs).where(runs.c.id == logged["launched"]).values(epochs_done=1))
    query = {"by": "source", "fields": "accuracy,best_test_loss", "where": "not accuracy > 1"}
    external, launched = client.get(f"{RUNS}/grouped", params=query).json()["groups"]
    assert [cell["mean"] for cell in external["cells"]] == [0.9, 0.3]
    assert [cell["mean"] for cell in launched["cells"]] == [0.8, None]
    values = client.get("/api/v1/fields", params={"field": "accuracy"}).json()["values"]
    assert {each["value"] for each in values} == {"75", "0.9", "0.8"}


def test_values_are_given_only_where_they_are_asked_for(client: TestClient, made: list[str]) -> None:
    assert all("values" not in run for run in client.get(RUNS, params={"fields": " "}).json()["runs"])


def test_a_brief_config_tells_runs_apart(client: TestClient, store: Store) -> None:
    config = RunConfig.model_validate({"optimizer": {"kind": "adam"}}).model_dump(mode="json")
    store.create_run(config=config, epochs_planned=1)
    told: dict[str, Any] = {
        "lr": 0.1,
        "none": None,
        "list": [1],
        "net": {"depth": 3, "kind": "k" * 300},
        "a": 1,
        "b": 2,
    }
    store.begin_external("abc", "w", NewRun(config=told, epochs_planned=None), 10)
    external, launched = (run["config"] for run in client.get(RUNS, params={"config": "brief"}).json()["runs"])
    assert launched == {part: {"kind": config[part]["kind"]} for part in ("optimizer", "model", "data")}
    assert external == {"lr": 0.1, "net.depth": 3, "net.kind": "k" * 200, "a": 1}


@pytest.mark.parametrize(
    ("query", "counts"),
    [
        ({}, (2, 1)),
        ({"where": "pin = true and neq.epsilon = low"}, (1, 0)),
        ({"tag": "x"}, (1, 1)),
        ({"search": "no such name"}, (0, 0)),
        ({"archived": "yes"}, (0, 0)),
        ({"without": "nobody"}, (2, 1)),
    ],
)
def test_runs_are_counted_by_state(
    client: TestClient, made: list[str], query: dict[str, str], counts: tuple[int, int]
) -> None:
    queued, stopped = counts
    found = RunCounts.model_validate_json(client.get(COUNTS, params=query).content)
    assert found == RunCounts(queued=queued, running=0, finished=0, stopped=stopped, failed=0, total=queued + stopped)


def test_runs_that_are_named_are_left_out_everywhere(client: TestClient, made: list[str]) -> None:
    without = {"without": f"{made[0]},{made[2]}"}
    found = client.get(RUNS, params=without | {"where": "pin = true"}).json()
    assert ([run["id"] for run in found["runs"]], found["total"]) == ([made[1]], 1)
    assert client.get(COUNTS, params=without).json()["total"] == 1
    assert client.get(f"{RUNS}/grouped", params=without | {"by": "pin"}).json()["matching"] == 1


@pytest.mark.parametrize(
    ("query", "field", "place"),
    [
        ({"fields": "neq.epsilon,,"}, "fields", (12, 13)),
        ({"fields": "-name"}, "fields", (0, 5)),
        ({"fields": ",".join(["name"] * (MOST_FIELDS + 1))}, "fields", (250, 254)),
        ({"fields": "a" * 8_001}, "fields", None),
        ({"fields": "a\x00"}, "fields", None),
        ({"config": "none"}, "config", None),
        ({"without": "A"}, "without", None),
        ({"without": "a,"}, "without", None),
        ({"without": ",".join(["a"] * 501)}, "without", None),
    ],
)
def test_columns_that_cannot_be_read_are_refused(
    asker: TestClient, query: dict[str, str], field: str, place: tuple[int, int] | None
) -> None:
    answer = asker.get(RUNS, params=query)
    assert answer.status_code == 422
    (told,) = answer.json()["detail"]
    assert told["field"] == field
    assert place is None or (told["start"], told["end"]) == place


def test_a_count_by_a_filter_that_cannot_be_read_is_refused(asker: TestClient) -> None:
    (told,) = asker.get(COUNTS, params={"where": "state = runing"}).json()["detail"]
    assert (told["field"], told["start"], told["end"]) == ("where", 8, 14)
