"""Runs over HTTP: launch, list, describe, stop, delete, and what wrong input is told."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from contract.config import RunConfig
from db import Store
from server.schemas import Run, RunList
from tests.server.recording import Recording

pytestmark = pytest.mark.slow

RUNS = "/api/v1/runs"


def field_errors(client: TestClient, body: Any) -> dict[str, str]:
    answer = client.post(RUNS, json=body)
    assert answer.status_code == 422
    return {each["field"]: each["message"] for each in answer.json()["detail"]}


def test_an_empty_body_launches_the_default_run(client: TestClient) -> None:
    answer = client.post(RUNS, json={})
    run = Run.model_validate_json(answer.content)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{RUNS}/{run.id}"
    assert RunConfig.model_validate(run.config) == RunConfig()
    assert (run.state, run.name, run.url) == ("queued", RunConfig().display_name(), f"/runs/{run.id}")
    told_now = {"warnings": answer.json()["warnings"]}  # that no worker is running is told once
    assert client.get(answer.headers["location"]).json() | told_now == answer.json()


def test_a_wrong_value_is_named_by_its_field_without_union_tags(client: TestClient) -> None:
    body = {"optimizer": {"kind": "sgd", "learning_rate": -1}, "model": {"kind": "cnn", "channels": [8, 0]}}
    assert field_errors(client, body) == {
        "optimizer.learning_rate": "Must be above 0",
        "model.channels.1": "Must be at least 1",
    }


def test_an_error_of_the_whole_model_is_named_by_the_field_it_blames(client: TestClient) -> None:
    crowded = {"data": {"kind": "synthetic", "train_samples": 100}, "neq": {"probe": {"kind": "split", "samples": 90}}}
    assert "at most 50" in field_errors(client, crowded)["neq.probe.samples"]
    nested = field_errors(client, {"optimizer": {"kind": "sgd", "nesterov": True, "momentum": 0}})
    assert list(nested) == ["optimizer.momentum"]


def test_an_unknown_dataset_is_told_what_may_be_named(client: TestClient) -> None:
    said = field_errors(client, {"data": {"kind": "../etc/passwd"}})
    assert list(said) == ["data.kind"]
    assert "fashion-mnist-mini, fashion-mnist, mnist, cifar10, cifar100" in said["data.kind"]


def test_a_part_without_a_kind_is_asked_for_it(client: TestClient) -> None:
    assert list(field_errors(client, {"model": {"hidden": [3]}})) == ["model.kind"]


def test_an_unknown_field_is_told_which_there_are(client: TestClient) -> None:
    said = field_errors(client, {"training": {"epoch": 3}})
    there = "epochs, batch_size, gradient_accumulation_steps, max_grad_norm, label_smoothing, stall_minutes"
    assert said == {"training.epoch": f"Unknown field; there are {there}, stop_after_seconds, seed"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{nope", "not JSON"),
        (b"[]", "JSON object"),
        (b"", "JSON object"),
        (b'"text"', "JSON object"),
        (b"\xff\xfe", ""),
    ],
)
def test_a_body_that_is_no_object_is_told_so(client: TestClient, content: bytes, words: str) -> None:
    answer = client.post(RUNS, content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert words in str(answer.json()["detail"])


@pytest.mark.parametrize("text", ["NaN", "Infinity", '"\\ud800"', "1e999", '{"a": "\\udfff"}'])
def test_a_value_that_json_cannot_hold_is_refused_and_not_echoed_broken(client: TestClient, text: str) -> None:
    content = f'{{"neq": {{"epsilon": {text}}}}}'.encode()
    answer = client.post(RUNS, content=content, headers={"content-type": "application/json"})
    assert [each["field"] for each in answer.json()["detail"]] == ["neq.epsilon"]


def test_text_with_a_zero_character_is_refused(client: TestClient, recording: Recording) -> None:
    assert client.post(RUNS, json={"name": "a\0b"}).status_code == 422
    assert client.patch(f"{RUNS}/{recording.id}", json={"notes": "a\0b"}).status_code == 422
    assert client.get(RUNS, params={"search": "a\0b"}).status_code == 422


def test_a_list_goes_on_from_its_cursor_without_repeating(client: TestClient) -> None:
    made = [client.post(RUNS, json={"name": f"run {number}"}).json()["id"] for number in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        page = RunList.model_validate_json(client.get(RUNS, params={"limit": 2, "cursor": cursor}).content)
        seen += [run.id for run in page.runs]
        cursor = page.next
        if cursor is None:
            break
    assert seen == made[::-1]


def test_a_list_can_be_narrowed_by_state_tag_and_text(client: TestClient, recording: Recording) -> None:
    client.post(RUNS, json={"name": "other", "tags": ["two"]})
    for query in ({"state": "running"}, {"tag": "one"}, {"search": "recorde"}):
        assert [run["id"] for run in client.get(RUNS, params=query).json()["runs"]] == [recording.id]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "state=odd", "cursor=odd", "search=" + "x" * 300])
def test_a_wrong_query_is_named(asker: TestClient, query: str) -> None:
    answer = asker.get(f"{RUNS}?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["field"] == query.partition("=")[0]


def test_name_notes_and_tags_can_be_changed_and_the_rest_stays(client: TestClient, recording: Recording) -> None:
    changed = client.patch(f"{RUNS}/{recording.id}", json={"notes": "seen"}).json()
    assert (changed["name"], changed["notes"], changed["tags"]) == ("recorded", "seen", ["one"])
    renamed = client.patch(f"{RUNS}/{recording.id}", json={"name": "", "tags": []}).json()
    assert (renamed["name"], renamed["tags"]) == (RunConfig().display_name(), [])
    assert client.patch(f"{RUNS}/{recording.id}", json={"state": "finished"}).status_code == 422


def test_a_queued_run_stops_at_once_and_can_be_deleted(client: TestClient) -> None:
    run_id = client.post(RUNS, json={}).json()["id"]
    stopped = client.post(f"{RUNS}/{run_id}/stop")
    assert (stopped.status_code, stopped.json()["state"]) == (202, "stopped")
    assert client.post(f"{RUNS}/{run_id}/stop").status_code == 409
    assert client.delete(f"{RUNS}/{run_id}").status_code == 204
    assert client.get(f"{RUNS}/{run_id}").status_code == 404


def test_a_running_run_is_asked_to_stop_and_cannot_be_deleted(client: TestClient, recording: Recording) -> None:
    asked = client.post(f"{RUNS}/{recording.id}/stop").json()
    assert (asked["state"], asked["stop_requested"]) == ("running", True)
    refused = client.delete(f"{RUNS}/{recording.id}")
    assert refused.status_code == 409
    assert "stop it first" in refused.json()["detail"]


@pytest.mark.parametrize("run_id", ["nothing", "..%2f..%2fetc", "%00", "x" * 300, "ABC"])
@pytest.mark.parametrize(
    ("method", "rest"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/stop"), ("GET", "/layers"), ("GET", "/events")],
)
def test_an_unknown_run_is_a_json_404(asker: TestClient, method: str, rest: str, run_id: str) -> None:
    body = {} if method == "PATCH" else None
    answer = asker.request(method, f"{RUNS}/{run_id}{rest}", json=body)
    assert answer.status_code == 404
    assert answer.json()["detail"]


def test_a_run_shows_where_it_is_inside_an_epoch_and_its_sparkline(client: TestClient, recording: Recording) -> None:
    recording.progress(3)
    answer = client.get(f"{RUNS}/{recording.id}")
    run = Run.model_validate_json(answer.content)
    assert run.progress is not None
    assert (run.progress.batch, run.epochs_done, run.last_seq) == (3, 4, recording.run.last_seq)
    shares = [sum(masks[epoch].sum() for masks in recording.frozen) / 25 for epoch in range(4)]
    assert run.frozen_sparkline == pytest.approx(shares)
    assert answer.json()["frozen_trail"] == run.frozen_sparkline, "the former name is answered for one release more"


def test_worker_internals_are_not_shown(client: TestClient, store: Store, recording: Recording) -> None:
    assert not {"writer_id", "heartbeat_at"} & client.get(f"{RUNS}/{recording.id}").json().keys()
