"""Sweeps: looked at before anything is queued, queued whole or not at all."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from contract.config import RunConfig
from contract.cost_key import cost_key
from db import Store
from db.schema import runs
from server.schemas import Groups, SweepPreview, SweepProblems, SweepQueued
from tests.server.recording import Recording

SWEEPS = "/api/v1/sweeps"
GRID = {"neq.epsilon": [1e-4, 1e-3, 1e-2], "optimizer.kind": ["sgd", "adam"]}


def preview(client: TestClient, **body: Any) -> SweepPreview:
    answer = client.post(f"{SWEEPS}/preview", json=body)
    assert answer.status_code == 200, answer.text
    return SweepPreview.model_validate_json(answer.content)


def test_a_sweep_queues_a_run_for_each_combination_and_seed(client: TestClient, store: Store) -> None:
    body = {
        "base": {"name": "small", "tags": ["t"], "notes": "n"},
        "grid": GRID,
        "seeds": 2,
        "group": "thresholds",
        "priority": 3,
    }
    answer = client.post(SWEEPS, json=body)
    assert answer.status_code == 201, answer.text
    told = SweepQueued.model_validate_json(answer.content)
    assert told.group == "thresholds" and len(told.runs) == 12
    runs = [store.run(run.id) for run in told.runs]
    assert store.queue() == [run.id for run in runs]
    found = {
        (run.config["neq"]["epsilon"], run.config["optimizer"]["kind"], run.config["training"]["seed"]) for run in runs
    }
    assert found == {(e, k, s) for e in GRID["neq.epsilon"] for k in GRID["optimizer.kind"] for s in (0, 1)}
    first = runs[0]
    assert (first.name, first.tags, first.notes) == ("small · epsilon 0.0001, sgd, seed 0", ("t",), "n")
    assert (first.group, first.priority, first.config["name"]) == ("thresholds", 3, first.name)
    assert {run.epochs_planned for run in runs} == {RunConfig().training.epochs}
    for run in runs:
        RunConfig.model_validate(run.config)
    groups = Groups.model_validate_json(client.get("/api/v1/groups").content).groups
    assert [(group.name, group.runs, group.states.queued) for group in groups] == [("thresholds", 12, 12)]


def test_a_group_that_nobody_named_is_called_by_what_varies(client: TestClient) -> None:
    names = [client.post(SWEEPS, json={"grid": GRID, "seeds": 2}).json()["group"] for _ in range(2)]
    assert all(name.startswith("epsilon × optimizer × 2 seeds · ") for name in names)
    assert names[0] != names[1]


def test_a_preview_tells_what_would_be_queued_and_queues_nothing(client: TestClient, store: Store) -> None:
    told = preview(client, base={"name": "x"}, grid=GRID, seeds=20)
    assert told.runs == 120 and len(told.first) == 50
    assert told.first[21].name == "x · epsilon 0.0001, adam, seed 1"
    assert told.first[21].values == {"neq.epsilon": 1e-4, "optimizer.kind": "adam", "training.seed": 1}
    assert told.errors == []
    assert "No worker is running" in told.warnings[-1].message
    assert store.queue() == []


def test_cells_that_cannot_be_are_named_and_nothing_is_queued(client: TestClient, store: Store) -> None:
    body = {"grid": {"neq.epsilon": [1e-3, -1, 9], "optimizer.kind": ["sgd", "adam"], "neq.mu": [0.5]}}
    answer = client.post(SWEEPS, json=body)
    assert answer.status_code == 422
    below, above = SweepProblems.model_validate_json(answer.content).detail
    assert (below.field, below.message, below.input, below.runs) == ("neq.epsilon", "Must be at least 0", -1, 2)
    assert below.cells == [
        {"neq.epsilon": -1, "optimizer.kind": "sgd", "neq.mu": 0.5},
        {"neq.epsilon": -1, "optimizer.kind": "adam", "neq.mu": 0.5},
    ]
    assert (above.message, above.input) == ("Must be at most 4", 9)
    assert store.queue() == []
    told = preview(client, **body)
    assert [error.message for error in told.errors] == [below.message, above.message]
    assert told.first == [] and told.estimate is None


def test_a_field_that_a_kind_does_not_have_is_said_of_its_cells(client: TestClient) -> None:
    told = preview(client, grid={"optimizer.kind": ["sgd", "adam"], "optimizer.momentum": [0.0, 0.9]})
    (error,) = {error.field: error for error in told.errors}.values()
    assert error.field == "optimizer.momentum" and error.message.startswith("Unknown field")
    assert all(cell["optimizer.kind"] == "adam" for each in told.errors for cell in each.cells)


def test_what_is_wrong_with_all_is_said_once(client: TestClient) -> None:
    told = preview(client, base={"data": {"kind": "nosuch"}}, grid=GRID)
    assert [(error.field, error.runs, error.cells) for error in told.errors] == [("data.kind", 6, [])]


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"grid": {"neq.epsilon": [n / 1e4 for n in range(1001)]}}, "grid", "1,001 runs"),
        ({"grid": {"neq.epsilon": []}}, "grid.neq.epsilon", "no values"),
        ({"grid": {"neq.epsilon": 3}}, "grid.neq.epsilon", "Must be a list"),
        ({"seeds": 0}, "seeds", "at least 1"),
        ({"priority": 11}, "priority", "at most 10"),
        ({"group": "x" * 101}, "group", "at most 100"),
        ({"base": {"notes": "a\0b"}}, "base.notes", "NUL"),
        ({"nosuch": 1}, "nosuch", "Unknown field"),
        ({"grid": {"neq.epsilon": [[[[0]] * 2] * 2]}}, None, ""),
    ],
)
def test_a_wrong_body_is_refused_at_its_field(
    client: TestClient, store: Store, body: Any, field: str | None, words: str
) -> None:
    answer = client.post(SWEEPS, json=body)
    assert answer.status_code == 422, answer.text
    first = answer.json()["detail"][0]
    assert words in first["message"] and field in (None, first["field"]), first
    assert store.queue() == []


def test_hostile_nesting_is_refused(client: TestClient) -> None:
    deep: Any = 1
    for _ in range(100):
        deep = {"a": [deep]}
    for body in ({"base": deep}, {"grid": {"neq.epsilon": [deep]}}):
        assert client.post(SWEEPS, json=body).status_code == 422


def test_what_runs_like_these_took_is_told(client: TestClient, recording: Recording, store: Store) -> None:
    """Of those that cost alike; the others are unknown."""
    assert preview(client, grid=GRID).estimate.seconds is None  # type: ignore[union-attr]
    sgd = cost_key(RunConfig())
    (begun,) = store.transitions([recording.id])[recording.id]
    with store._database.writing() as connection:
        taken = {"cost_key": sgd, "started_at": begun.at - timedelta(seconds=7)}
        connection.execute(update(runs).values(taken))
    told = preview(client, grid=GRID | {"training.epochs": [10]}).estimate
    assert told is not None and (told.runs_known, told.runs_unknown, told.read_from) == (3, 3, 1)
    epoch = store.newest_epochs(recording.id, 1)[0]
    assert told.seconds == pytest.approx(3 * (7 + 10 * sum(epoch["seconds"].values()))) and told.with_starting
    size = store.size(recording.id)
    assert told.bytes == pytest.approx(3 * 10 * (size.arrays + size.events) + 3 * size.checkpoints, abs=3)
    assert told.devices == [store.run(recording.id).device]


def test_the_size_of_an_epoch_is_what_the_file_grows_by(client: TestClient, store: Store, tmp_path: Path) -> None:
    recording = Recording(store)
    recording.start()

    def written() -> int:
        with store._database.reading() as connection:
            pages, free, page = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * page)

    recording.epoch()
    before = written()
    for _ in range(200):
        recording.epoch()
    size = store.size(recording.id)
    assert size.arrays + size.events == pytest.approx((written() - before) / 200, rel=0.3)


def test_arrays_every_so_many_epochs_take_less_room(client: TestClient, recording: Recording, store: Store) -> None:
    with store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET cost_key = ?", (cost_key(RunConfig()),))
    size = store.size(recording.id)
    for every, with_arrays in ((1, 10), (4, 4), (100, 2)):
        base = {"training": {"epochs": 10}, "recording": {"arrays_every": every}, "schedule": {"kind": "constant"}}
        told = preview(client, base=base).estimate
        assert told is not None and told.bytes is not None
        assert told.bytes - size.checkpoints == pytest.approx(10 * size.events + with_arrays * size.arrays, abs=1)


def test_a_preview_has_an_example_of_each_kind_of_run_that_one_dry_pass_tells_of(client: TestClient) -> None:
    """ε and seeds do not make a kind, the optimizer and the probe set do."""
    told = preview(client, base={"name": "x"}, grid=GRID, seeds=2)
    assert told.kinds == 2
    assert [(each.name, each.runs) for each in told.examples] == [
        ("x · epsilon 0.0001, sgd, seed 0", 6),
        ("x · epsilon 0.0001, adam, seed 0", 6),
    ]
    for each in told.examples:
        assert client.post("/api/v1/checks", json=each.config).status_code == 200
    many = preview(client, grid={"neq.probe.samples": [10, 20, 30, 40, 50, 60]})
    assert (many.kinds, len(many.examples)) == (6, 4)
    wrong = preview(client, grid={"neq.epsilon": [9, 1e-3]})
    assert (wrong.kinds, wrong.examples) == (0, [])
