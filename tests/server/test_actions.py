"""What is done to many runs at once."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from db import NewRun, Store
from server.schemas import ActionsDone
from tests.db.making import WORKER

ACTIONS = "/api/v1/runs/actions"


@pytest.fixture
def runs(store: Store) -> list[str]:
    """Three queued runs of a group, and one of none."""
    new = [NewRun(config={}, epochs_planned=1, group="g", tags=("old",)) for _ in range(3)]
    return [run.id for run in store.create_runs([*new, NewRun(config={}, epochs_planned=1)])]


def act(client: TestClient, action: str, **more: Any) -> ActionsDone:
    answer = client.post(ACTIONS, json={"action": action, **more})
    assert answer.status_code == 200, answer.text
    return ActionsDone.model_validate_json(answer.content)


def test_a_group_is_stopped_as_one(client: TestClient, store: Store, runs: list[str]) -> None:
    store.claim(store.register_worker(**WORKER).id)
    assert act(client, "stop", group="g").done == runs[:3]
    assert [store.run(run).state for run in runs] == ["running", "stopped", "stopped", "queued"]
    assert store.run(runs[0]).stop_requested
    again = act(client, "stop", group="g")
    assert again.done == runs[:1] and [each.id for each in again.refused] == runs[1:3]
    assert "has ended already" in again.refused[0].message


def test_a_stopped_group_is_resumed(client: TestClient, store: Store, runs: list[str]) -> None:
    act(client, "stop", group="g")
    assert act(client, "resume", group="g").done == runs[:3]
    assert store.queue() == runs


def test_runs_are_held_released_and_put_in_order(client: TestClient, store: Store, runs: list[str]) -> None:
    a, b, c, d = runs
    act(client, "hold", ids=[a, b])
    assert store.queue() == [c, d]
    act(client, "release", ids=[a])
    assert store.queue() == [a, c, d]
    act(client, "prioritise", ids=[d], priority=4)
    assert store.queue() == [d, a, c]
    act(client, "move", ids=[c, a], before=d)
    assert store.queue() == [c, a, d], "in the order given"
    act(client, "move", ids=[c])
    assert store.queue() == [a, d, c]


def test_runs_are_put_away_and_taken_out(client: TestClient, runs: list[str]) -> None:
    act(client, "archive", group="g")
    assert [run["id"] for run in client.get("/api/v1/runs").json()["runs"]] == [runs[3]]
    assert len(client.get("/api/v1/runs?archived=yes&group=g").json()["runs"]) == 3
    act(client, "restore", group="g")
    assert len(client.get("/api/v1/runs").json()["runs"]) == 4


def test_tags_and_groups_are_given_and_taken(client: TestClient, store: Store, runs: list[str]) -> None:
    act(client, "tag", ids=runs, tags=["old", "new"])
    assert [store.run(run).tags for run in runs] == [("old", "new")] * 4
    act(client, "untag", ids=runs, tags=["old"])
    assert {store.run(run).tags for run in runs} == {("new",)}
    act(client, "group", ids=[runs[3]], name="g")
    assert store.groups()[0].runs == 4
    act(client, "group", group="g")
    assert store.groups() == []


def test_runs_are_deleted_but_for_those_that_are_running(client: TestClient, store: Store, runs: list[str]) -> None:
    store.claim(store.register_worker(**WORKER).id)
    told = act(client, "delete", ids=[*runs, runs[1], "nosuchrun0"])
    assert told.done == runs[1:]
    assert [(each.id, each.message.partition(":")[0]) for each in told.refused] == [
        (runs[0], f"Run '{runs[0]}' is running"),
        ("nosuchrun0", "There is no run 'nosuchrun0'"),
    ]


def test_a_large_group_is_reached_whole(client: TestClient, store: Store) -> None:
    made = store.create_runs([NewRun(config={}, epochs_planned=1, group="many") for _ in range(1_100)])
    assert act(client, "hold", group="many").done == [run.id for run in made]


def test_what_passes_a_filter_is_acted_on(client: TestClient, store: Store, runs: list[str]) -> None:
    store.request_stop(runs[0])
    assert act(client, "archive", where='group = "g" and state = queued').done == runs[1:3]
    wrong = client.post(ACTIONS, json={"action": "archive", "where": "state = asleep"})
    assert wrong.status_code == 422 and wrong.json()["detail"][0]["start"] == 8


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "stop"}, "ids"),
        ({"action": "stop", "ids": [], "group": "g"}, "ids"),
        ({"action": "stop", "ids": [], "where": "held"}, "ids"),
        ({"action": "explode", "ids": []}, "action"),
        ({"action": "prioritise", "ids": []}, "priority"),
        ({"action": "prioritise", "ids": [], "priority": 11}, "priority"),
        ({"action": "tag", "ids": []}, "tags"),
        ({"action": "tag", "ids": [], "tags": ["a,b"]}, "tags.0"),
        ({"action": "stop", "ids": [], "priority": 1}, "priority"),
        ({"action": "stop", "ids": ["../x"]}, "ids.0"),
        ({"action": "stop", "ids": ["a"] * 1_001}, "ids"),
        ({"action": "stop", "group": "a\0"}, "group"),
    ],
)
def test_a_wrong_request_is_refused_at_its_field(client: TestClient, body: Any, field: str) -> None:
    answer = client.post(ACTIONS, json=body)
    assert (answer.status_code, answer.json()["detail"][0]["field"]) == (422, field), answer.text
