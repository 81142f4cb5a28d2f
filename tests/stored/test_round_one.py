"""What an older program wrote still reads: a store, a run file, checkpoints and descriptions, kept as it left them.

`round_one` was written at commit 1fda05b, before modules, fields and words were renamed: by `neq up` and `neq launch`
of two small networks, one of them stopped after five of eight epochs, and `neq export` of the other. `answers.json` is
what that program's API said of both, `descriptions.json` holds every kind of description that it could store.
"""

import io
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from contract.config import RunConfig
from contract.events import EpochFinished
from contract.former_names import with_current_names, with_former_names
from contract.runfile import RunFile
from db import Store
from server.app import create_app
from server.settings import ServerSettings
from tests.system import System
from trainer.worker.replay import begin_replay

WRITTEN = Path(__file__).parent / "round_one"
FINISHED, STOPPED = "xcc0zypbj0", "y8xq6gu1qz"
ANSWERS: dict[str, Any] = json.loads((WRITTEN / "answers.json").read_text())
DESCRIPTIONS: list[dict[str, Any]] = json.loads((WRITTEN / "descriptions.json").read_text())


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Today's API on a copy of the old store."""
    for name in ServerSettings.model_fields:
        monkeypatch.delenv(f"NEQ_{name.upper()}", raising=False)
    shutil.copy(WRITTEN / "store.db", tmp_path / "neq.db")
    url = f"sqlite:///{tmp_path / 'neq.db'}"
    store = Store.open(url)
    with TestClient(create_app(store, ServerSettings(database_url=url)), base_url="http://127.0.0.1:8000") as client:
        yield client
    store.close()


def lacking(old: Any, new: Any, path: str = "") -> list[str]:
    """Where today's answer does not say what the old one said; that it says more is no matter."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            found
            for key, value in old.items()
            for found in (lacking(value, new[key], f"{path}.{key}") if key in new else [f"{path}.{key} is gone"])
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            found for at, (a, b) in enumerate(zip(old, new, strict=True)) for found in lacking(a, b, f"{path}[{at}]")
        ]
    return [] if old == new else [f"{path}: {old!r} was answered, now {new!r}"]


@pytest.mark.parametrize("path", ANSWERS)
def test_the_api_says_all_that_it_said(client: TestClient, path: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert answer.status_code == 200
    assert lacking(ANSWERS[path], answer.json()) == []


def test_a_lacking_answer_would_be_found() -> None:
    assert lacking({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}], "c": 4}) == [".a[1].b: 2 was answered, now 3"]
    assert lacking({"a": 1}, {"b": 1}) == [".a is gone"]


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=lambda one: f"{one['data']['kind']}-{one['model']['kind']}")
def test_a_stored_description_is_read(description: dict[str, Any]) -> None:
    """To the same run: what is read is written and read again as the same, and no value of the old one is lost.

    Every field has its value under the name of then. Of values two are written as others: `line` as `linear`, and the
    probe set `share` as `fraction`, which is not answered as it was called then.
    """
    read = RunConfig.model_validate(description)
    written = read.model_dump(mode="json")
    assert RunConfig.model_validate(written) == read
    todays_kind = {"share": "fraction"}.get(description["neq"]["probe"]["kind"], description["neq"]["probe"]["kind"])
    described = description | {
        "neq": description["neq"] | {"probe": description["neq"]["probe"] | {"kind": todays_kind}}
    }
    assert lacking(described, with_former_names(RunConfig, written)) == []
    of_then = values_in(without_new_fields(written))
    assert values_in(described) == sorted(value.replace('"linear"', '"line"') for value in of_then)


NEW_FIELDS: dict[tuple[str, ...], Any] = {
    ("recording",): {"arrays_every": 1},
    ("neq", "layers", "always_freeze"): [],
    ("neq", "layers", "always_freeze_first"): 0,
    ("training", "stop_after_seconds"): None,
    ("compute", "processes"): 1,
    ("compute", "sync_batch_norm"): False,
    ("compute", "cpus"): None,
    ("compute", "gpus"): None,
    ("compute", "memory_gib"): None,
    ("compute", "labels"): [],
}
"""Fields that came later, and the defaults that a run of then has: they change nothing about it."""


def without_new_fields(config: dict[str, Any]) -> dict[str, Any]:
    """A description with the fields of then alone."""
    copied: dict[str, Any] = json.loads(json.dumps(config))
    for (*groups, name), default in NEW_FIELDS.items():
        place = copied
        for group in groups:
            place = place[group]
        assert place.pop(name) == default, name
    return copied


def values_in(value: Any) -> list[str]:
    """Every value that a description holds, whatever its field is called."""
    if isinstance(value, dict):
        return sorted(found for item in value.values() for found in values_in(item))
    return [json.dumps(value)]


def test_what_is_stored_has_todays_names_alone(client: TestClient, tmp_path: Path) -> None:
    """The migration renames fields in the events' own text, and leaves what a text says."""
    assert client.get("/api/v1/runs").status_code == 200  # the store is open, so it is migrated
    with closing(sqlite3.connect(tmp_path / "neq.db")) as connection:
        told = [
            payload for (payload,) in connection.execute("SELECT payload FROM events WHERE kind = 'epoch_finished'")
        ]
        configs = [json.loads(config) for (config,) in connection.execute("SELECT config FROM runs")]
    today = [RunConfig.model_validate(config).model_dump(mode="json") for config in configs]
    assert configs == [without_new_fields(config) for config in today]
    for payload in map(json.loads, told):
        assert {"applied_fraction", "frozen_fraction", "beyond_fraction"} <= payload.keys()
        assert not {"applied_share", "frozen_share", "beyond_share"} & payload.keys()


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=lambda one: f"{one['data']['kind']}-{one['model']['kind']}")
def test_the_store_renames_every_kind_of_description_as_the_contract_does(
    description: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "neq.db"
    shutil.copy(WRITTEN / "store.db", path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE runs SET config = ?", (json.dumps(description),))
    store = Store.open(f"sqlite:///{path}")
    stored = store.run(FINISHED).config
    store.close()
    assert stored == with_current_names(RunConfig, description)


def test_who_asks_for_todays_names_gets_no_former_ones(client: TestClient) -> None:
    path = f"/api/v1/runs/{FINISHED}/epochs"
    (both, *_), (todays, *_) = (
        client.get(path, params=asked).json()["epochs"] for asked in ({}, {"former_names": False})
    )
    assert both.pop("frozen_share") == both["frozen_fraction"]
    assert (both.pop("applied_share"), both.pop("beyond_share")) == (both["applied_fraction"], both["beyond_fraction"])
    assert both == todays


def test_the_stream_of_events_answers_both_names_too(client: TestClient) -> None:
    path = f"/api/v1/runs/{FINISHED}/events"
    both, todays = client.get(path).text, client.get(path, params={"former_names": False}).text
    assert both.count('"frozen_share":') == both.count('"frozen_fraction":') == 7  # six epochs, and the run's end
    assert "_share" not in todays and todays.count('"frozen_fraction":') == 7


def test_the_run_file_reads_to_the_bit(client: TestClient) -> None:
    with RunFile.open(WRITTEN / "run.neq") as file:
        assert file.header.id == FINISHED
        epochs = [event for event in file.events() if isinstance(event, EpochFinished)]
    for layer, neurons in enumerate((12, 10, 4)):
        told = b"".join(epoch.snapshots[layer].phi or b"" for epoch in epochs)
        stored = np.load(io.BytesIO(client.get(f"/api/v1/runs/{FINISHED}/layers/{layer}/phi").content))
        assert stored.shape == (6, neurons)
        np.testing.assert_array_equal(np.frombuffer(told, "<f4"), stored.ravel())


def test_a_run_of_then_is_exported_forked_and_replayed_under_todays_names(client: TestClient, tmp_path: Path) -> None:
    """What is written anew names no field as it was called then, and means the same run."""
    file = tmp_path / "again.neq"
    file.write_bytes(client.get(f"/api/v1/runs/{FINISHED}/file").content)
    with RunFile.open(file) as exported, RunFile.open(WRITTEN / "run.neq") as written:
        today = RunConfig.model_validate(written.header.config).model_dump(mode="json")
        assert exported.header.config == without_new_fields(today)
        store = Store.open(f"sqlite:///{tmp_path / 'neq.db'}")
        assert begin_replay(store, written.header).run.config == today
    part = {"schedule": {"factor": 0.2}, "training": {"epochs": 12, "accumulate": 2}}
    fork = client.post(f"/api/v1/runs/{STOPPED}/fork", json=part)
    assert fork.status_code == 201, fork.text
    config = store.run(fork.json()["id"]).config
    store.close()
    assert (config["schedule"]["gamma"], config["training"]["gradient_accumulation_steps"]) == (0.2, 2)
    assert not {"factor", "accumulate", "clip_norm"} & {*config["schedule"], *config["training"]}


@pytest.mark.process
def test_a_stopped_run_resumes_from_its_checkpoint(tmp_path: Path) -> None:
    """The weights, the masks and the optimizer's state that the old program left are gone on with."""
    shutil.copy(WRITTEN / "store.db", tmp_path / "neq.db")
    shutil.copytree(WRITTEN / "checkpoints", tmp_path / "checkpoints")
    system = System(tmp_path)
    try:
        system.start_server()
        system.start_worker()
        system.ask("POST", f"/runs/{STOPPED}/resume")
        run = system.wait_until(STOPPED, lambda run: run["state"] in ("finished", "failed"))
        epochs = system.ask("GET", f"/runs/{STOPPED}/epochs")["epochs"]
    finally:
        system.stop()
    assert run["state"] == "finished"
    assert [epoch["epoch"] for epoch in epochs] == list(range(8))
    assert epochs[5]["train_loss"] == pytest.approx(epochs[4]["train_loss"], rel=0.05)
