"""Controls of runs: what is queued beside them, and why something is not."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from contract.config import RunConfig
from db import Store
from server.controls import CONTROLS
from server.schemas import ControlsQueued
from tests.server.recording import Recording

ADDRESS = "/api/v1/controls"


@pytest.fixture
def finished(store: Store) -> Recording:
    """A run of four epochs that is over."""
    recording = Recording(store, neurons=(8, 8, 8, 8), epochs=4, schedule={"kind": "constant"}, tags=["mine"])
    recording.start()
    for _ in range(4):
        recording.epoch()
    recording.finish()
    return recording


def queue(client: TestClient, **body: Any) -> ControlsQueued:
    answer = client.post(ADDRESS, json=body)
    assert answer.status_code == 201, answer.text
    return ControlsQueued.model_validate_json(answer.content)


def configs(store: Store, told: ControlsQueued) -> dict[str, RunConfig]:
    return {run.name.rpartition(" · ")[2]: RunConfig.model_validate(store.run(run.id).config) for run in told.runs}


def test_each_control_differs_from_the_run_in_what_makes_it_one(
    client: TestClient, store: Store, finished: Recording
) -> None:
    told = queue(client, ids=[finished.id])
    assert told.left_out == [] and [run.id for run in told.runs] == store.queue()
    found = configs(store, told)
    before = RunConfig.model_validate(finished.run.config)
    for config in found.values():
        assert config.training.seed == before.training.seed and config.data == before.data
        assert config.model == before.model and config.optimizer == before.optimizer
        assert config.tags == (f"control:{finished.id}", "mine")
    dense, random, prefix, replay, shorter = (
        found[title] for title in ("dense", "random neurons", "static prefix", "replayed masks", "dense, as long")
    )
    assert {each.neq.select.kind for each in (dense, prefix, shorter)} == {"none"}
    assert (random.neq.select.kind, random.neq.select.fraction) == ("random", None)  # type: ignore[union-attr]
    assert (replay.neq.select.kind, replay.neq.select.run) == ("replay", finished.id)  # type: ignore[union-attr]
    trained = sum(store.epoch_costs([finished.id])[finished.id].costs["train_seconds"])
    assert shorter.training.stop_after_seconds == pytest.approx(trained) and trained > 0
    assert dense.training == before.training and not dense.neq.layers.freezes_always


def test_a_prefix_holds_about_as_many_neurons_as_the_run_froze(
    client: TestClient, store: Store, finished: Recording
) -> None:
    _, counts = store.frozen_counts(finished.id)
    wanted = counts.sum() / (len(counts) * 32)
    told = queue(client, ids=[finished.id], controls=["prefix"])
    layers = configs(store, told)["static prefix"].neq.layers.always_freeze_first
    assert layers == min((1, 2, 3), key=lambda first: abs(first / 4 - wanted))


def test_controls_join_the_runs_group_or_make_one(client: TestClient, store: Store, finished: Recording) -> None:
    told = queue(client, ids=[finished.id], controls=["dense"])
    assert store.run(told.runs[0].id).group == "recorded and its controls"
    store.put_in_group(finished.id, "g")
    told = queue(client, group="g", controls=["dense", "random"])
    assert [each.message for each in told.left_out] == ["It is there already."]
    assert [store.run(run.id).group for run in told.runs] == ["g"]
    again = queue(client, group="g", controls=["random"])
    assert again.runs == [] and len(again.left_out) == 1, "a control has no controls of its own"


def test_what_a_run_does_not_have_yet_is_left_out_and_told(client: TestClient, recording: Recording) -> None:
    told = queue(client, ids=[recording.id], controls=["replay", "shorter", "dense"])
    assert [run.name for run in told.runs] == ["recorded · dense"]
    assert [(each.control, each.message) for each in told.left_out] == [
        ("replay", "Its masks can be replayed once all its epochs are trained."),
        ("shorter", "How long it trains is known once all its epochs are trained."),
    ]


def test_a_run_that_has_not_begun_has_no_prefix_and_a_dense_one_no_controls(client: TestClient, store: Store) -> None:
    waiting = client.post("/api/v1/runs", json={}).json()["id"]
    told = queue(client, ids=[waiting], controls=["prefix"])
    assert "no finished epoch" in told.left_out[0].message
    dense = client.post("/api/v1/runs", json={"neq": {"select": {"kind": "none"}}}).json()["id"]
    told = queue(client, ids=[dense])
    assert told.runs == [] and len(told.left_out) == len(CONTROLS)
    assert "It is a control itself" in told.left_out[0].message


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 422, "ids"),
        ({"ids": [], "group": "g"}, 422, "ids"),
        ({"ids": ["a"], "controls": ["magic"]}, 422, "controls.0"),
        ({"ids": ["a"], "controls": []}, 422, "controls"),
        ({"ids": ["nosuchrun0"]}, 404, None),
        ({"group": "nobody"}, 404, None),
    ],
)
def test_a_wrong_request_is_refused(client: TestClient, body: Any, status: int, field: str | None) -> None:
    answer = client.post(ADDRESS, json=body)
    assert answer.status_code == status, answer.text
    assert field is None or answer.json()["detail"][0]["field"] == field
