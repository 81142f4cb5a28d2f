"""How much of a run's network is watched, as the API tells it."""

from fastapi.testclient import TestClient

from contract.layers import Coverage, UnwatchedModule
from db import Store
from server.schemas import RunCoverage
from tests.server.recording import Recording

TABLE = UnwatchedModule(name="table", type="Embedding", parameters=400, reason="an embedding looks its rows up")
COVERAGE = Coverage(parameters=1000, watched=600, fraction=0.6, unwatched=(TABLE,))


def test_coverage_is_told_once_the_run_has_started(client: TestClient, store: Store) -> None:
    fresh = Recording(store)
    address = f"/api/v1/runs/{fresh.id}/coverage"
    assert client.get(address).json() == {"coverage": None}
    fresh.start(COVERAGE)
    answer = client.get(address)
    assert answer.status_code == 200
    assert RunCoverage.model_validate_json(answer.content).coverage == COVERAGE


def test_a_run_of_an_earlier_release_has_none(client: TestClient, recording: Recording) -> None:
    assert client.get(f"/api/v1/runs/{recording.id}/coverage").json() == {"coverage": None}


def test_coverage_of_an_unknown_run_is_not_there(client: TestClient) -> None:
    assert client.get("/api/v1/runs/abcdefghij/coverage").status_code == 404
