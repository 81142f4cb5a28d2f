"""Runs that go on, as a person makes them: stopped and resumed, forked, deleted; and runs that cannot go on."""

import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.endurance.records import (
    EPOCHS,
    PATIENCE_SECONDS,
    SMALL,
    children,
    ended,
    eventually,
    kill,
    launch,
    standing,
    store_of,
    told,
    train,
    wait,
)
from tests.system import Process, System

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]

ENDLESS: dict[str, Any] = {"data": SMALL["data"] | {"train_samples": 200_000}}
"""Changes that make an epoch last longer than any test."""


def neq(system: System, *arguments: str) -> tuple[int, str]:
    """Exit status, and all that was printed."""
    process = Process(*arguments, environment={**system.environment, "NEQ_URL": system.url})
    try:
        return process.wait(PATIENCE_SECONDS), process.said
    finally:
        process.stop()


def files(tmp_path: Path) -> set[str]:
    """The checkpoints that lie on the disk."""
    return {f"{file.parent.name}/{file.name}" for file in (tmp_path / "checkpoints").glob("*/*")}


def kept(system: System, run_id: str) -> list[int]:
    return [each["epoch"] for each in system.ask("GET", f"/runs/{run_id}/checkpoints")["checkpoints"]]


@pytest.mark.endurance
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_stopped_run_goes_on_after_the_web_process_began_anew(
    tmp_path: Path, request: pytest.FixtureRequest, undisturbed: Any, kind: str
) -> None:
    url = None if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))
    with standing(tmp_path, url) as system:
        system.start_worker(slots=1)
        run_id = launch(system)
        wait(system, run_id, lambda run: run["epochs_done"] >= 2 and run["progress"])
        system.ask("POST", f"/runs/{run_id}/stop")
        stopped = wait(system, run_id, ended)
        assert stopped["state"] == "stopped" and stopped["can_resume"] and 2 <= stopped["epochs_done"] < EPOCHS
        system.stop_server()
        system.start_server()
        if kind == "postgresql":  # as a restart of the database does
            with psycopg.connect(url, autocommit=True) as connection:
                mine = "datname = current_database() AND pid <> pg_backend_pid()"
                connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}")
        status, said = neq(system, "resume", run_id, "--follow")
        assert status == 0 and f"resumes at epoch {stopped['epochs_done']}" in said and "finished" in said
        assert told(system, run_id) == undisturbed
        assert neq(system, "resume", run_id) == (
            2,
            f"neq: Run '{run_id}' cannot be resumed: all its epochs are "
            "trained; fork it, with more epochs, to train it further.\n",
        )


@pytest.mark.endurance
def test_a_worker_that_is_ended_in_order_leaves_its_run_to_the_next(tmp_path: Path, undisturbed: Any) -> None:
    with standing(tmp_path) as system:
        system.start_worker(slots=1)
        run_id = launch(system)
        wait(system, run_id, lambda run: run["epochs_done"] >= 3)
        assert system.worker is not None
        system.worker.interrupt(signal.SIGTERM)
        assert system.worker.wait() == 0
        system.worker.stop()
        run = system.ask("GET", f"/runs/{run_id}")
        assert (run["state"], run["progress"]) == ("queued", None)
        system.start_worker(slots=1)
        assert wait(system, run_id, ended)["state"] == "finished"
        assert told(system, run_id) == undisturbed


def test_a_process_killed_four_times_in_one_epoch_fails_its_run_with_the_reason(tmp_path: Path) -> None:
    with standing(tmp_path) as system:
        run_id = launch(system, **ENDLESS)
        system.start_worker(slots=1)
        worker = system.worker
        assert worker is not None
        for cut in range(4):
            child = eventually(lambda: children(worker))[0]
            if cut == 3:
                wait(system, run_id, lambda run: run["progress"])
            kill(child)
            eventually(lambda child=child: child not in children(worker))
        run = wait(system, run_id, ended)
        assert run["state"] == "failed" and run["can_resume"]
        assert "signal 9 (SIGKILL)" in run["reason"] and "It was interrupted 4 times in epoch 0" in run["reason"]
        assert "try training.batch_size" in run["reason"]
        assert system.ask("POST", f"/runs/{run_id}/resume")["state"] == "queued", "a person may try again"
        system.ask("POST", f"/runs/{run_id}/stop")


@pytest.mark.endurance
def test_a_worker_that_slept_too_long_gives_way_to_the_other(tmp_path: Path, undisturbed: Any) -> None:
    """It is suspended with its training process, and wakes when the other has taken its run."""
    with standing(tmp_path) as system:
        system.start_worker(slots=1)
        run_id = launch(system)
        wait(system, run_id, lambda run: run["epochs_done"] >= 3)
        sleeper = system.worker
        assert sleeper is not None
        asleep = [sleeper.pid, *children(sleeper)]
        for pid in asleep:
            os.kill(pid, signal.SIGSTOP)
        other = Process("worker", "--slots", "1", environment=system.environment)
        try:
            eventually(lambda: children(other))
            for pid in asleep:
                os.kill(pid, signal.SIGCONT)
            assert wait(system, run_id, ended)["state"] == "finished"
            eventually(lambda: not children(sleeper))
        finally:
            other.stop()
        assert told(system, run_id) == undisturbed


@pytest.mark.endurance
def test_a_run_waits_for_a_worker_that_reaches_its_checkpoints(tmp_path: Path) -> None:
    with standing(tmp_path) as system:
        system.start_worker(slots=1)
        run_id = launch(system, training=SMALL["training"] | {"epochs": 200})
        wait(system, run_id, lambda run: run["epochs_done"] >= 2)
        worker = system.worker
        assert worker is not None
        kill(worker.pid)
        worker.stop()
        stranger = Process("worker", environment=system.environment | {"NEQ_CHECKPOINTS": str(tmp_path / "elsewhere")})
        try:
            wait(system, run_id, lambda run: run["state"] == "queued")
            fresh = train(system, training=SMALL["training"] | {"epochs": 1})
            assert system.ask("GET", f"/runs/{run_id}")["state"] == "queued"
            assert kept(system, fresh) == [0]
        finally:
            stranger.stop()
        system.start_worker(slots=1)
        wait(system, run_id, lambda run: run["state"] == "running")
        system.ask("POST", f"/runs/{run_id}/stop")


@pytest.mark.endurance
def test_a_fork_is_trained_from_its_parents_checkpoint_and_outlives_its_parent(tmp_path: Path) -> None:
    with standing(tmp_path) as system:
        system.start_worker(slots=1)
        parent = train(system, training=SMALL["training"] | {"epochs": 6}, checkpoints={"every_n_epochs": 2})
        assert {1, 3, 5} <= set(kept(system, parent))
        assert system.worker is not None
        system.worker.stop()
        status, said = neq(
            system, "fork", parent, "--epoch", "3", "--set", "neq.epsilon=4", "--set", "training.epochs=7"
        )
        assert status == 0
        fork = said.split()[0]
        system.ask("DELETE", f"/runs/{parent}")
        system.start_worker(slots=1)
        run = wait(system, fork, ended)
        assert (run["state"], run["parent_id"], run["parent_epoch"]) == ("finished", parent, 3), run["reason"]
        found = told(system, fork)
        assert [epoch["epoch"] for epoch, _ in found] == list(range(7))
        assert found[4][0]["frozen_fraction"] > 0.8, "with a threshold of 4 all but the last layer settle"
        with store_of(system) as store:
            needed = {each.path for each in store.checkpoints(fork)}
        assert any(path.startswith(parent) for path in needed), "the fork keeps every second epoch's, its beginning too"
        eventually(lambda: files(tmp_path) == needed)
        system.ask("DELETE", f"/runs/{fork}")
        eventually(lambda: not files(tmp_path))


@pytest.mark.endurance
def test_a_fork_with_nothing_changed_is_its_parent_to_the_bit(tmp_path: Path, undisturbed: Any) -> None:
    with standing(tmp_path) as system:
        system.start_worker(slots=1)
        parent = train(system, training=SMALL["training"] | {"epochs": 4})
        longer = {"name": "the same, longer", "training": {"epochs": EPOCHS}}
        fork = system.ask("POST", f"/runs/{parent}/fork", params={"epoch": 3}, json=longer)["id"]
        assert wait(system, fork, ended)["state"] == "finished"
        assert told(system, fork) == undisturbed


@pytest.mark.endurance
def test_files_of_needless_checkpoints_and_of_deleted_runs_go(tmp_path: Path) -> None:
    with standing(tmp_path) as system:
        system.start_worker(slots=1)
        run_id = train(system, training=SMALL["training"] | {"epochs": 5})
        with store_of(system) as store:
            paths = {each.path for each in store.checkpoints(run_id)}
        assert 1 <= len(paths) <= 2, "the last and the best"
        eventually(lambda: files(tmp_path) == paths)
        system.ask("DELETE", f"/runs/{run_id}")
        eventually(lambda: not files(tmp_path))
        eventually(lambda: [each.name for each in (tmp_path / "checkpoints").iterdir()] == ["shelf.id"])


@pytest.mark.endurance
@pytest.mark.parametrize("harm", ["missing", "damaged", "full"])
def test_a_checkpoint_that_cannot_be_used_ends_the_run_with_the_remedy(tmp_path: Path, harm: str) -> None:
    with standing(tmp_path) as system:
        system.start_worker(slots=1)
        run_id = launch(system, training=SMALL["training"] | {"epochs": 200})
        wait(system, run_id, lambda run: run["epochs_done"] >= 2)
        if harm == "full":
            blocked = tmp_path / "checkpoints" / run_id
            aside = blocked.rename(tmp_path / "aside")
            blocked.write_text("no folder: as little can be written here as on a full disk")
            run = wait(system, run_id, ended)
            blocked.unlink()
            aside.rename(blocked)
            assert run["state"] == "failed" and "could not be written" in run["reason"]
            system.ask("POST", f"/runs/{run_id}/resume")
            wait(system, run_id, lambda now: now["epochs_done"] > run["epochs_done"])
            system.ask("POST", f"/runs/{run_id}/stop")
            return
        system.ask("POST", f"/runs/{run_id}/stop")
        wait(system, run_id, ended)
        for file in (tmp_path / "checkpoints" / run_id).glob("*.pt"):
            file.write_bytes(file.read_bytes()[:-7]) if harm == "damaged" else file.unlink()
        system.ask("POST", f"/runs/{run_id}/resume")
        run = wait(system, run_id, ended)
        assert run["state"] == "failed"
        assert ("is damaged" if harm == "damaged" else "is not there") in run["reason"]
        assert "launch" in run["reason"]


def test_a_worker_says_so_where_its_checkpoints_cannot_lie(tmp_path: Path) -> None:
    with standing(tmp_path) as system:
        shutil.rmtree(tmp_path / "checkpoints", ignore_errors=True)
        (tmp_path / "checkpoints").write_text("a file")
        status, said = neq(system, "worker")
    assert status == 2 and "NEQ_CHECKPOINTS" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--set", "neq.epsilom=1"), r"unknown field neq.epsilom; did you mean neq.epsilon\?"),
        (("--set", "neq.epsilon"), "write FIELD=VALUE"),
        (("--set", "neq.epsilon=much"), "neq.epsilon: 'much': Must be a number"),
        (("--set", "model.channels=4,4"), "model.channels: This stays"),
        (("--epoch", "17"), "No checkpoint of epoch 17"),
    ],
)
def test_a_fork_that_is_refused_says_why(refusing: tuple[System, str], arguments: Any, words: str) -> None:
    system, run_id = refusing
    status, said = neq(system, "fork", run_id, *arguments)
    assert status == 2 and re.search(words, said), said


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A system without a worker, and a run of four epochs in it."""
    from db import Store
    from tests.server.test_going_on import Keeping

    with standing(tmp_path_factory.mktemp("refusing")) as system:
        store = Store.open(system.environment["NEQ_DATABASE_URL"])
        keeping = Keeping(store)
        keeping.start()
        for _ in range(4):
            keeping.epoch()
        yield system, keeping.id
        store.close()
