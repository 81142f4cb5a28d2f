"""How much of a run's network is watched, as the API tells it."""

from fastapi.testclient import TestClient

from contract.layers import Coverage, UnwatchedModule
from db import Store
from server.schemas import RunCoverage, RunStart
from tests.pictures.script_recording import ScriptRecording
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


def test_an_external_run_tells_of_each_of_its_watches(client: TestClient, store: Store) -> None:
    script = ScriptRecording(store)
    address = f"/api/v1/runs/{script.id}/coverage"
    assert client.get(address).json() == {"coverage": None}
    script.watch((4,), name="G", coverage=COVERAGE)
    assert RunCoverage.model_validate(client.get(address).json()).coverage == COVERAGE
    larger = UnwatchedModule(name="", type="Net", parameters=500, reason="it has parameters of its own")
    script.watch((5,), name="D", coverage=Coverage(parameters=3000, watched=2500, fraction=5 / 6, unwatched=(larger,)))
    told = RunCoverage.model_validate(client.get(address).json()).coverage
    assert told is not None
    assert (told.parameters, told.watched, told.fraction) == (4000, 3100, 0.775)
    assert [(module.name, module.parameters) for module in told.unwatched] == [("D/", 500), ("G/table", 400)]
    script.watch((4,), name="G", coverage=Coverage(parameters=10, watched=10, fraction=1.0))  # it began anew
    told = RunCoverage.model_validate(client.get(address).json()).coverage
    assert told is not None and told.parameters == 3010


def test_a_watch_that_does_not_tell_leaves_the_whole_unknown(client: TestClient, store: Store) -> None:
    script = ScriptRecording(store)
    script.watch((4,), name="G", coverage=COVERAGE)
    script.watch((5,), name="D")
    assert client.get(f"/api/v1/runs/{script.id}/coverage").json() == {"coverage": None}


def test_long_lists_of_several_watches_are_cut_and_the_rest_added_up(client: TestClient, store: Store) -> None:
    script = ScriptRecording(store)
    for name, parameters in (("G", 10), ("D", 20)):
        modules = (TABLE.model_copy(update={"parameters": parameters}),) * 60
        coverage = Coverage(parameters=5000, watched=0, fraction=0.0, unwatched=modules, more_modules=1)
        script.watch((4,), name=name, coverage=coverage)
    told = RunCoverage.model_validate(client.get(f"/api/v1/runs/{script.id}/coverage").json()).coverage
    assert told is not None
    assert [module.parameters for module in told.unwatched] == [20] * 60 + [10] * 40
    assert (told.more_modules, told.more_parameters) == (22, 200)


def test_what_a_run_said_of_its_program(client: TestClient, store: Store) -> None:
    queued = Recording(store)
    assert client.get(f"/api/v1/runs/{queued.id}/started").json() == {"started": None}
    script = ScriptRecording(store)
    answer = client.get(f"/api/v1/runs/{script.id}/started")
    told = RunStart.model_validate_json(answer.content).started
    assert told is not None
    assert (told.script, told.host, told.commit) == ("/home/ada/train.py", "lovelace", "0123456789abcdef")
    assert told.command == "python train.py --lr 0.25" and told.versions == {"python": "3.11"}
