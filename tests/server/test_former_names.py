"""Renamed fields over HTTP: taken under former names, stored under today's, answered under both for one release."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from contract.config import RunConfig
from db import Store
from tests.server.test_going_on import Keeping

pytestmark = pytest.mark.slow

RUNS = "/api/v1/runs"
FORMER = {
    "schedule": {"kind": "step", "every": 4, "factor": 0.2},
    "training": {"accumulate": 2, "clip_norm": 1.5},
    "checkpoints": {"every": 3},
}
TODAYS = {
    "schedule": {"kind": "step", "step_size": 4, "gamma": 0.2},
    "training": {"gradient_accumulation_steps": 2, "max_grad_norm": 1.5},
    "checkpoints": {"every_n_epochs": 3},
}


def test_a_run_launched_under_former_names_is_stored_under_todays(client: TestClient, store: Store) -> None:
    answer = client.post(RUNS, json=FORMER)
    assert answer.status_code == 201, answer.text
    assert store.run(answer.json()["id"]).config == RunConfig.model_validate(TODAYS).model_dump(mode="json")


def holds(config: Any, part: Any) -> bool:
    """Whether the configuration says all that the part says."""
    if not isinstance(part, dict):
        return bool(config == part)
    return all(name in config and holds(config[name], value) for name, value in part.items())


def test_every_answer_with_a_description_has_both_names(client: TestClient) -> None:
    launched = client.post(RUNS, json=TODAYS).json()
    path = f"{RUNS}/{launched['id']}"
    answers = [
        launched,
        client.get(path).json(),
        client.get(RUNS).json()["runs"][0],
        client.post(f"{path}/stop").json(),
    ]
    for answer in [*answers, client.patch(path, json={"notes": "x"}).json()]:
        assert holds(answer["config"], TODAYS)
        assert holds(answer["config"], FORMER)
    preset = next(each for each in client.get("/api/v1/presets").json()["presets"] if each["name"] == "demo-sgd")
    for config in (preset["config"], preset["whole"]):
        assert config["schedule"]["gamma"] == config["schedule"]["factor"] == 0.1


def test_who_wants_todays_names_alone_asks_for_them(client: TestClient) -> None:
    run = client.post(RUNS, json=FORMER).json()["id"]
    whole = RunConfig.model_validate(TODAYS).model_dump(mode="json")
    asked = {"former_names": False}
    assert client.get(f"{RUNS}/{run}", params=asked).json()["config"] == whole
    assert client.get(RUNS, params=asked).json()["runs"][0]["config"] == whole
    presets = client.get("/api/v1/presets", params=asked).json()["presets"]
    assert all(
        preset["whole"] == RunConfig.model_validate(preset["config"]).model_dump(mode="json") for preset in presets
    )


def test_a_description_that_was_answered_can_be_sent_again(client: TestClient, store: Store) -> None:
    config = client.post(RUNS, json=TODAYS).json()["config"]
    again = client.post(RUNS, json=config)
    assert store.run(again.json()["id"]).config == RunConfig.model_validate(TODAYS).model_dump(mode="json")


def test_two_names_that_say_two_things_are_refused_at_the_field(client: TestClient) -> None:
    answer = client.post(RUNS, json={"training": {"accumulate": 2, "gradient_accumulation_steps": 3}})
    assert answer.status_code == 422
    (detail,) = answer.json()["detail"]
    assert detail["field"] == "training.gradient_accumulation_steps"
    assert detail["message"].startswith("accumulate is the former name of gradient_accumulation_steps")


@pytest.mark.parametrize("part", [FORMER, TODAYS])
def test_a_check_and_a_fork_take_either_names(client: TestClient, store: Store, part: dict[str, Any]) -> None:
    assert client.post("/api/v1/checks", json=part, params={"dry_pass": False}).status_code == 200
    keeping = Keeping(store)
    keeping.start()
    keeping.epoch()
    fork = client.post(f"{RUNS}/{keeping.id}/fork", json=part)
    assert fork.status_code == 201, fork.text
    assert holds(store.run(fork.json()["id"]).config, TODAYS)


def test_the_documentation_marks_former_names_as_deprecated(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    training = described["components"]["schemas"]["Training"]["properties"]
    assert training["clip_norm"]["deprecated"]
    assert training["clip_norm"]["renamed_to"] == "max_grad_norm"
