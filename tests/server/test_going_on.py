"""Runs that go on, over HTTP: resumed, forked, and what they are refused."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from contract.config import RunConfig
from contract.events import EpochFinished, Event
from db import Checkpoint, EventRecord, NewRun, RetainedCheckpoints, Run, Snapshot, Store, event_record
from server import schemas as answers
from tests.server.recording import Recording

pytestmark = pytest.mark.slow

RUNS = "/api/v1/runs"
PLANNED = 400


def path_of(run_id: str, epoch: int) -> str:
    return f"{run_id}/epoch-{epoch:06}-0123456789abcdef.pt"


class Keeping(Recording):
    """A run whose epochs name checkpoints: the last, and that of epoch 1."""

    def _append(self, event: Event, snapshots: tuple[Snapshot, ...] = ()) -> int:
        if isinstance(event, EpochFinished):
            files = tuple(
                Checkpoint(epoch, path_of(self.id, epoch), 1000 + epoch)
                for epoch in sorted({min(1, event.epoch), event.epoch})
            )
            kept = RetainedCheckpoints("checkpoint_store", files)
            record = event_record(event.model_dump(mode="json"), snapshots=snapshots, kept=kept)
            return self.store.append(self.id, self.worker.id, record)
        return super()._append(event, snapshots)

    def stop(self) -> Run:
        """Stopped, as its worker records it."""
        payload = {"kind": "run_stopped", "epochs": self.epochs, "reason": "It was stopped on request."}
        entry = EventRecord(kind="run_stopped", payload=payload, at=datetime.now(UTC), ends="stopped", reason="asked")
        self.store.append(self.id, self.worker.id, entry)
        return self.run


@pytest.fixture
def keeping(store: Store) -> Keeping:
    """A run of four epochs, with checkpoints of epochs 1 and 3."""
    keeping = Keeping(store)
    keeping.start()
    for _ in range(4):
        keeping.epoch()
    return keeping


def refused(client: TestClient, run_id: str, body: Any, status: int = 422, **asked: Any) -> Any:
    answer = client.post(f"{RUNS}/{run_id}/fork", json=body, params=asked)
    assert answer.status_code == status, answer.text
    detail = answer.json()["detail"]
    return {each["field"]: each["message"] for each in detail} if isinstance(detail, list) else detail


def test_a_stopped_run_is_resumed_and_tells_it(client: TestClient, keeping: Keeping) -> None:
    keeping.stop()
    assert client.get(f"{RUNS}/{keeping.id}").json()["can_resume"] is True
    answer = client.post(f"{RUNS}/{keeping.id}/resume")
    run = answers.Run.model_validate_json(answer.content)
    assert (answer.status_code, run.state, run.reason, run.can_resume) == (202, "queued", None, False)
    lines = client.get(f"{RUNS}/{keeping.id}/log").json()["lines"]
    assert lines[-1]["text"] == "Requeued on request to resume at epoch 4."


def test_a_run_that_cannot_be_resumed_says_why(client: TestClient, keeping: Keeping, recording: Recording) -> None:
    answer = client.post(f"{RUNS}/{keeping.id}/resume")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        f"Run '{keeping.id}' cannot be resumed: it is running.",
    )
    recording.finish()
    assert "fork it, with more epochs" in client.post(f"{RUNS}/{recording.id}/resume").json()["detail"]
    assert client.post(f"{RUNS}/nosuchrun1/resume").status_code == 404


def test_the_checkpoints_are_listed_with_last_and_best(client: TestClient, keeping: Keeping) -> None:
    found = answers.Checkpoints.model_validate_json(client.get(f"{RUNS}/{keeping.id}/checkpoints").content)
    assert [(each.epoch, each.size_bytes, each.last, each.best) for each in found.checkpoints] == [
        (1, 1001, False, False),
        (3, 1003, True, True),
    ]
    assert [each.test_accuracy for each in found.checkpoints] == pytest.approx([0.251, 0.253])
    assert "epoch-" not in client.get(f"{RUNS}/{keeping.id}/checkpoints").text, "no path leaves the server"


def test_a_fork_is_a_run_with_its_parents_description_and_what_was_changed(
    client: TestClient, keeping: Keeping
) -> None:
    change = {"neq": {"epsilon": 0.5}, "training": {"epochs": 60}, "schedule": {"kind": "constant"}}
    answer = client.post(f"{RUNS}/{keeping.id}/fork", json=change, params={"epoch": 1})
    run = answers.Run.model_validate_json(answer.content)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{RUNS}/{run.id}")
    assert (run.parent_id, run.parent_epoch, run.epochs_done, run.epochs_planned) == (keeping.id, 1, 2, 60)
    assert (run.name, run.tags, run.state) == ("recorded · fork", ["one"], "queued")
    parent, config = (RunConfig.model_validate(each) for each in (keeping.run.config, run.config))
    assert config.neq.epsilon == 0.5 and config.schedule.kind == "constant"
    assert config.training.model_dump() == parent.training.model_dump() | {"epochs": 60}
    line = client.get(f"{RUNS}/{run.id}/log").json()["lines"][0]["text"]
    assert line.startswith(f"Forked from run {keeping.id} (recorded) after epoch 1: ")
    assert "neq.epsilon 0.001 → 0.5" in line and "schedule.kind multistep → constant" in line


def test_every_view_of_a_fork_holds_its_parents_epochs(client: TestClient, keeping: Keeping) -> None:
    fork = client.post(f"{RUNS}/{keeping.id}/fork", json={}, params={"epoch": 1}).json()["id"]
    for view in ("layers/1/phi", "layers/1/velocity", "layers/1/frozen", "layers/1/display"):
        whole, part = (client.get(f"{RUNS}/{run}/{view}?epochs=:2").content for run in (keeping.id, fork))
        assert part == whole == client.get(f"{RUNS}/{fork}/{view}").content
    epochs = client.get(f"{RUNS}/{fork}/epochs").json()["epochs"]
    assert [each["epoch"] for each in epochs] == [0, 1]
    frozen = client.get(f"{RUNS}/{fork}/frozen").json()
    assert frozen["epochs"] == [0, 1] and np.array(frozen["frozen"]).shape == (3, 2)
    assert client.get(f"{RUNS}/{fork}/layers").json() == client.get(f"{RUNS}/{keeping.id}/layers").json()


def test_a_fork_without_an_epoch_begins_after_the_newest_one(client: TestClient, keeping: Keeping) -> None:
    assert client.post(f"{RUNS}/{keeping.id}/fork").json()["parent_epoch"] == 3


def test_a_run_lists_its_forks_and_they_name_it(client: TestClient, keeping: Keeping) -> None:
    assert client.get(f"{RUNS}/{keeping.id}/forks").json() == {"forks": []}
    made = [
        client.post(f"{RUNS}/{keeping.id}/fork?epoch={epoch}", json={"name": f"f{epoch}"}).json() for epoch in (3, 1)
    ]
    grandchild = client.post(f"{RUNS}/{made[0]['id']}/fork", json={"name": "grandchild"}).json()["id"]
    told = answers.Forks.model_validate_json(client.get(f"{RUNS}/{keeping.id}/forks").content).forks
    assert [(each.id, each.name, each.state, each.epoch) for each in told] == [
        (made[0]["id"], "f3", "queued", 3),
        (made[1]["id"], "f1", "queued", 1),
    ]
    client.post(f"{RUNS}/{made[1]['id']}/stop")
    client.delete(f"{RUNS}/{made[1]['id']}")
    assert [each["id"] for each in client.get(f"{RUNS}/{keeping.id}/forks").json()["forks"]] == [made[0]["id"]]
    assert [each["id"] for each in client.get(f"{RUNS}/{made[0]['id']}/forks").json()["forks"]] == [grandchild]


def test_a_fork_of_a_fork_and_of_a_finished_run_is_possible(client: TestClient, keeping: Keeping) -> None:
    keeping.finish()
    fork = client.post(f"{RUNS}/{keeping.id}/fork", json={}).json()["id"]
    again = client.post(f"{RUNS}/{fork}/fork", json={"name": "grandchild"}).json()
    assert (again["parent_id"], again["parent_epoch"], again["name"]) == (fork, 3, "grandchild")


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"model": {"kind": "mlp"}}, "model.kind", "stays cnn in a fork: the checkpoint's weights fit"),
        ({"model": {"channels": [4]}}, "model.channels", "stays ["),
        ({"data": {"train_samples": 2000}}, "data.train_samples", "the same probe images"),
        ({"neq": {"probe": {"samples": 20}}}, "neq.probe.samples", "the same probe images"),
        ({"training": {"seed": 5}}, "training.seed", "goes on with the same random numbers"),
        ({"training": {"epochs": 4}}, "training.epochs", "Must be above 4, the number of epochs already trained"),
        ({"optimizer": {"learning_rate": -1}}, "optimizer.learning_rate", "Must be above 0"),
        ({"optimizer": {"kind": "adam", "momentum": 1}}, "optimizer.momentum", "Unknown field"),
        ({"nonsense": 1}, "nonsense", "Unknown field"),
        ({"schedule": "constant"}, "schedule", ""),
    ],
    ids=str,
)
def test_a_change_that_a_fork_does_not_bear_is_told_at_its_field(
    client: TestClient, keeping: Keeping, change: Any, field: str, words: str
) -> None:
    said = refused(client, keeping.id, change)
    assert list(said) == [field] and words in said[field]


def test_a_checkpoint_that_is_not_kept_is_told_with_those_that_are(client: TestClient, keeping: Keeping) -> None:
    assert "epoch 2 of run" in (said := refused(client, keeping.id, {}, 404, epoch=2)) and "choose one of 1, 3" in said
    assert "epoch" in refused(client, keeping.id, {}, epoch=-1)


def test_a_run_without_checkpoints_cannot_be_forked(client: TestClient, recording: Recording) -> None:
    assert "none of its checkpoints is" in refused(client, recording.id, {}, 404)
    assert client.get(f"{RUNS}/{recording.id}/checkpoints").json() == {"checkpoints": []}


def test_a_body_that_is_no_description_is_refused(client: TestClient, keeping: Keeping) -> None:
    assert refused(client, keeping.id, [1, 2])
    assert refused(client, keeping.id, {"name": "a\0b"})
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"neq": deep}
    assert refused(client, keeping.id, deep)


def test_a_fork_can_be_looked_over_before_it_is_launched(client: TestClient, store: Store, keeping: Keeping) -> None:
    address = f"{RUNS}/{keeping.id}/fork/check?epoch=3&dry_pass=false"
    refused_field = client.post(address, json={"training": {"epochs": 4}}).json()["detail"][0]
    assert (refused_field["field"], "above 4" in refused_field["message"]) == ("training.epochs", True)
    fine = client.post(address, json={"training": {"epochs": 4 + PLANNED}, "neq": {"epsilon": 0.003}}).json()
    assert (fine["state"], fine["errors"]) == ("not_asked", [])
    assert len(store.runs().items) == 1


def test_a_fork_with_nothing_changed_is_launched_with_a_warning(client: TestClient, keeping: Keeping) -> None:
    (warning,) = [each for each in client.post(f"{RUNS}/{keeping.id}/fork").json()["warnings"] if "change" in str(each)]
    assert "would repeat the other run from epoch 4 on" in warning["message"]
    changed = client.post(f"{RUNS}/{keeping.id}/fork", json={"neq": {"epsilon": 0.003}}).json()["warnings"]
    assert not [each for each in changed if "Nothing is changed" in each["message"]]


def extend(client: TestClient, epochs: int, **runs: Any) -> answers.ActionsDone:
    answer = client.post(f"{RUNS}/actions", json={"action": "extend", "epochs": epochs, **runs})
    assert answer.status_code == 200, answer.text
    return answers.ActionsDone.model_validate_json(answer.content)


def test_a_group_is_extended_as_one(client: TestClient, store: Store, keeping: Keeping) -> None:
    keeping.stop()
    store.describe_run(keeping.id, tags=["mine"])
    bare = Recording(store)
    bare.start()
    bare.epoch()
    bare.finish()
    waits = client.post(RUNS, json={}).json()["id"]
    for each in (keeping.id, waits, bare.id):
        store.put_in_group(each, "g")
    told = extend(client, 600, group="g")
    assert told.done == [keeping.id]
    assert {each.id: each.message.split(": ")[0] for each in told.refused} == {
        waits: f"Run '{waits}' is queued",
        bare.id: f"Run '{bare.id}' keeps no checkpoint",
    }
    (made,) = told.made
    run = store.run(made.id)
    assert (made.name, made.url) == (run.name, f"/runs/{run.id}")
    assert run.name == f"{keeping.run.name} · 600 epochs" and run.tags == (f"extends:{keeping.id}", "mine")
    assert (run.state, run.group, run.parent_id, run.parent_epoch) == ("queued", "g", keeping.id, 3)
    config, before = RunConfig.model_validate(run.config), RunConfig.model_validate(keeping.run.config)
    assert (run.epochs_planned, run.epochs_done, config.training.epochs) == (600, 4, 600)
    own = {"name", "tags", "training"}
    assert config.model_dump(exclude=own) == before.model_dump(exclude=own)

    # A second time nothing grows twice, until what extends it has itself ended early.
    again = extend(client, 700, ids=[keeping.id])
    assert again.made == [] and f"is extended by run '{run.id}' already" in again.refused[0].message
    store.request_stop(run.id)
    assert extend(client, 700, ids=[keeping.id]).done == [keeping.id]


def test_an_extension_of_an_extension_is_called_by_its_own_epochs(
    client: TestClient, store: Store, keeping: Keeping
) -> None:
    keeping.stop()
    (first,) = extend(client, 600, ids=[keeping.id]).made
    store.request_stop(first.id)
    (second,) = extend(client, 800, ids=[first.id]).made
    assert second.name == f"{keeping.run.name} · 800 epochs" and store.run(second.id).tags[0] == f"extends:{first.id}"


def test_what_cannot_be_extended_says_why(client: TestClient, store: Store, keeping: Keeping) -> None:
    running = extend(client, 600, ids=[keeping.id, "nosuchrun0"])
    assert running.made == [] and "is running: it can be extended once it has ended" in running.refused[0].message
    assert "There is no run 'nosuchrun0'" in running.refused[1].message
    keeping.stop()
    assert "has trained 4 epochs already" in extend(client, 4, ids=[keeping.id]).refused[0].message
    (external,) = store.create_runs([NewRun(config={}, epochs_planned=None, source="external")])
    assert "recorded by a script" in extend(client, 9, ids=[external.id]).refused[0].message
    for body, field in (
        ({}, "epochs"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 100_001}, "epochs"),
        ({"epochs": 2, "priority": 1}, "priority"),
    ):
        wrong = client.post(f"{RUNS}/actions", json={"action": "extend", "ids": [], **body})
        assert wrong.status_code == 422 and wrong.json()["detail"][0]["field"] == field
