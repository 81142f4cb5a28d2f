"""`neq export` and `neq replay`, as a person types them, on the real system."""

import re
import signal
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from db import Store
from tests.server.recording import Recording
from tests.system import Process, System, running

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A web process on a store of its own, without a worker."""
    with running(tmp_path_factory.mktemp("recordings"), worker=False) as system:
        yield system


@pytest.fixture(scope="module")
def recorded(system: System) -> str:
    """The id of a finished run of five epochs."""
    store = Store.open(system.environment["NEQ_DATABASE_URL"])
    recording = Recording(store, (5, 17, 300))
    recording.start()
    for _ in range(5):
        recording.epoch()
    recording.finish()
    store.close()
    return recording.id


def neq(system: System, *arguments: str) -> tuple[int, str]:
    """Exit status, and all that was printed."""
    process = Process(*arguments, environment={**system.environment, "NEQ_URL": system.url})
    try:
        return process.wait(60), process.said
    finally:
        process.stop()


def get(system: System, run_id: str, rest: str) -> bytes:
    return httpx.get(f"{system.url}/api/v1/runs/{run_id}{rest}").raise_for_status().content


def test_a_run_that_is_exported_and_replayed_has_the_same_arrays_to_the_bit(
    system: System, recorded: str, tmp_path: Path
) -> None:
    file = tmp_path / "run.neq"
    assert neq(system, "export", recorded, str(file))[0] == 0
    status, said = neq(system, "replay", str(file), "--speed", "max", "--name", "again")
    assert status == 0, said
    (again,) = [run for run in system.ask("GET", "/runs?tag=replay")["runs"] if run["name"] == "again"]
    assert again["id"] in said and again["state"] == "finished"
    questions = [f"/layers/{layer}/{field}" for layer in range(3) for field in ("phi", "velocity", "applied", "frozen")]
    for question in (*questions, "/overview?field=frozen", "/layers/2/display", "/layers/2/display?of=delta"):
        before, after = get(system, recorded, question), get(system, again["id"], question)
        assert before == after and len(before) > 50, question
    assert np.load(BytesIO(get(system, again["id"], "/layers/2/phi"))).shape == (5, 300)
    told = [system.ask("GET", f"/runs/{run_id}/epochs")["epochs"] for run_id in (recorded, again["id"])]
    for mine, other in zip(*told, strict=True):
        assert {**mine, "seq": 0, "at": ""} == {**other, "seq": 0, "at": ""}


def test_ctrl_c_ends_a_replay_as_stopped(system: System, recorded: str, tmp_path: Path) -> None:
    file = tmp_path / "run.neq"
    assert neq(system, "export", recorded, str(file))[0] == 0
    process = Process("replay", str(file), "--speed", "0.01", "--name", "slow", environment=system.environment)
    try:
        run_id = process.wait_for(re.compile(r"^([a-z0-9]{10})  slow", re.MULTILINE))[1]
        system.wait_until(run_id, lambda run: run["neurons"] == 322)
        process.interrupt(signal.SIGINT)
        assert process.wait() == 1
    finally:
        process.stop()
    run = system.ask("GET", f"/runs/{run_id}")
    assert (run["state"], run["reason"]) == ("stopped", "The replay was interrupted.")
    assert "stopped: The replay was interrupted." in process.said


def test_an_export_says_what_is_wrong_and_leaves_no_half_file(system: System, recorded: str, tmp_path: Path) -> None:
    there = tmp_path / "there.neq"
    there.write_text("kept")
    status, said = neq(system, "export", recorded, str(there))
    assert status == 2 and "--force" in said and there.read_text() == "kept"
    status, said = neq(system, "export", "nosuchrun1", str(tmp_path / "a.neq"))
    assert status == 2 and "nosuchrun1" in said
    status, said = neq(system, "export", recorded, str(tmp_path / "no" / "folder.neq"))
    assert status == 2 and "cannot be written" in said
    assert [item.name for item in tmp_path.iterdir()] == ["there.neq"]
    nobody = Process("export", recorded, str(tmp_path / "a.neq"), environment={"NEQ_URL": "http://127.0.0.1:9"})
    assert nobody.wait() == 3
    nobody.stop()
    assert neq(system, "export", recorded, str(there), "--force")[0] == 0 and there.stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.neq",), "missing.neq"),
        (("text.neq",), "not a run file"),
        (("text.neq", "--speed", "0"), "number above 0, such as 10, or max"),
        (("text.neq", "--speed", "fast"), "number above 0, such as 10, or max"),
    ],
)
def test_a_replay_that_cannot_be_is_refused(
    system: System, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "text.neq").write_text("not a recording")
    status, said = neq(system, "replay", str(tmp_path / arguments[0]), *arguments[1:])
    assert status == 2 and words in said and "Traceback" not in said
