"""Studies from the paper: what the API says of them can be queued as it is."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from contract.cost_key import cost_key
from db import Store
from db.schema import runs
from server.routes.studies import expanded
from server.schemas import Studies, Study, StudyScale
from tests.server.checking import has_worker
from tests.server.recording import Recording

STUDIES = "/api/v1/studies"


def studies(client: TestClient) -> dict[str, Study]:
    answer = client.get(STUDIES)
    assert answer.status_code == 200, answer.text
    return {study.name: study for study in Studies.model_validate_json(answer.content).studies}


def scales(study: Study) -> tuple[StudyScale, StudyScale]:
    here, paper = study.scales
    assert (here.name, paper.name) == ("here", "paper")
    return here, paper


def test_each_study_is_queued_as_it_is_told(client: TestClient, store: Store) -> None:
    told = studies(client)
    assert list(told) == ["optimizer", "epsilon", "mu", "probe-size"]
    assert [scales(study)[0].runs for study in told.values()] == [6, 9, 9, 4]
    for scale in (scale for study in told.values() for scale in study.scales):
        answer = client.post("/api/v1/sweeps", json=scale.sweep.model_dump())
        assert answer.status_code == 201, answer.text
        runs = [store.run(run["id"]) for run in answer.json()["runs"]]
        assert len(runs) == scale.runs
        assert {run.group for run in runs} == {scale.sweep.group}


def test_it_says_what_no_worker_can_train(client: TestClient, store: Store) -> None:
    assert all(scale.problem is None for study in studies(client).values() for scale in study.scales)
    has_worker(store)
    for study in studies(client).values():
        here, paper = scales(study)
        assert here.problem is None
        assert paper.problem and "CIFAR-10" in paper.problem


def test_what_a_study_will_take_is_read_from_runs_like_its_own(
    client: TestClient, recording: Recording, store: Store
) -> None:
    assert scales(studies(client)["epsilon"])[0].estimate.seconds is None
    like = expanded()["epsilon", "here"].kinds[0]
    (begun,) = store.transitions([recording.id])[recording.id]
    with store._database.writing() as connection:
        connection.execute(update(runs).values(cost_key=cost_key(like), started_at=begun.at))
    here, paper = scales(studies(client)["epsilon"])
    epoch = sum(store.newest_epochs(recording.id, 1)[0]["seconds"].values())
    assert here.estimate.seconds == pytest.approx(9 * 40 * epoch)
    assert here.estimate.bytes and here.estimate.runs_unknown == 0
    assert paper.estimate.seconds is None


def test_published_points_are_told_with_their_source(client: TestClient) -> None:
    told = studies(client)
    assert {study.name: len(study.published.points) for study in told.values()} == {
        "optimizer": 2,
        "epsilon": 9,
        "mu": 3,
        "probe-size": 0,
    }
    assert all("arXiv" in study.published.source for study in told.values())
