"""`neq launch --sweep` against a real server in this process."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cli.launch import launch
from cli.sweep import expected, grid_of
from db import Store
from server.app import create_app
from server.settings import ServerSettings
from tests.server.serving import serving
from tests.stores import empty_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handlers: None) -> Iterator[Store]:
    """That of a server whose address the environment names."""
    settings = ServerSettings(database_url=f"sqlite:///{tmp_path / 'neq.db'}")
    store = empty_store(settings.database_url)
    with serving(create_app(store, settings), settings) as address:
        monkeypatch.setenv("NEQ_URL", address)
        yield store
    store.close()


def launched(*arguments: str) -> Result:
    return CliRunner().invoke(launch, arguments)


@pytest.mark.parametrize(
    ("given", "grid"),
    [
        ("neq.epsilon=1e-4,1e-3", {"neq.epsilon": [1e-4, 1e-3]}),
        ("--neq.epsilon = 1e-4", {"neq.epsilon": [1e-4]}),
        ("training.seed=0..4", {"training.seed": [0, 1, 2, 3, 4]}),
        ("neq.mu=0..1,0.5", {"neq.mu": [0.0, 1.0, 0.5]}),
        ("training.max_grad_norm=1 .. 3,", {"training.max_grad_norm": [1.0, 2.0, 3.0, None]}),
        ("training.seed=7,1..2", {"training.seed": [7, 1, 2]}),
        ("optimizer.kind=sgd,adam", {"optimizer.kind": ["sgd", "adam"]}),
        ("schedule.milestones=10,20|30|", {"schedule.milestones": [[10, 20], [30], []]}),
        ("neq.pinning=yes,no", {"neq.pinning": [True, False]}),
        ("training.batch-size=50,100", {"training.batch_size": [50, 100]}),
        ("training.clip_norm=1,", {"training.max_grad_norm": [1.0, None]}),
    ],
)
def test_values_are_read_as_flags_are(given: str, grid: object) -> None:
    assert grid_of([given]) == grid


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["neq.epsilon"], "write FIELD=VALUE"),
        (["neq.epsilom=1"], "did you mean neq.epsilon"),
        (["neq.epsilon=1", "neq.epsilon=2"], "given twice"),
        (["neq.epsilon=1,x"], "'x'"),
        (["training.seed=4..1"], "the smaller number first"),
        (["neq.epsilon=1..5000"], "1..5000: A range such as 0..4 has the smaller number first, and stands for 1,000"),
        (["neq.epsilon=0.1..0.5"], "Must be a number"),
        (["training.seed=0..100000"], "1,000 at most"),
        (["optimizer.kind=sgd,lion"], "lion"),
    ],
)
def test_what_cannot_be_read_says_what_to_write(given: list[str], words: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        grid_of(given)
    assert words in caught.value.message


def test_an_estimate_without_what_starting_takes_says_so() -> None:
    told = {"seconds": 30, "bytes": 4e6, "runs_known": 2, "runs_unknown": 0}
    assert expected(told | {"with_starting": True}) == "; about 30 s and 4 MB"
    assert expected(told | {"with_starting": False}) == "; about 30 s without starting and 4 MB"


def test_a_sweep_is_queued_and_named(store: Store) -> None:
    sweep = ["--sweep", "neq.epsilon=1e-4,1e-3", "--sweep", "optimizer.kind=sgd,adam", "--seeds", "3"]
    done = launched(*sweep, "--group", "thresholds", "--priority", "2", "--training.epochs", "30", "--name", "x")
    assert done.exit_code == 0, done.output
    runs = [store.run(run_id) for run_id in store.queue()]
    assert len(runs) == 12 and {(run.group, run.priority, run.epochs_planned) for run in runs} == {
        ("thresholds", 2, 30)
    }
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{runs[0].id}  x · epsilon 0.0001, sgd, seed 0  http://")
    assert lines[12] == "group thresholds: 12 runs"
    assert "No worker is running" in done.stderr


def test_seeds_alone_are_a_sweep(store: Store) -> None:
    done = launched("--seeds", "2")
    assert done.exit_code == 0, done.output
    assert [store.run(run).config["training"]["seed"] for run in store.queue()] == [0, 1]


@pytest.mark.parametrize("flag", ["--dry-run", "--check"])
def test_a_sweep_is_shown_before_it_is_queued(store: Store, flag: str) -> None:
    done = launched(flag, "--sweep", "neq.epsilon=1e-4,1e-3", "--seeds", "30", "--name", "x")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(
        "60 runs; time and disk: unknown, as no such run has been trained here\n  x · epsilon 0.0001, seed 0\n"
    )
    assert "… and 10 more runs" in done.stdout and store.queue() == []


def test_what_is_wrong_is_said_with_its_runs_and_nothing_is_queued(store: Store) -> None:
    sweep = ["--sweep", "neq.epsilon=1e-3,9", "--sweep", "optimizer.kind=sgd,adam"]
    words = "neq.epsilon: Must be at most 4 (neq.epsilon=9.0, optimizer.kind=sgd; neq.epsilon=9.0, optimizer.kind=adam)"
    for more in ([], ["--check"]):
        done = launched(*sweep, *more)
        assert done.exit_code == 2 and words in done.stderr, done.output
    assert store.queue() == []


def test_many_runs_cannot_be_followed(store: Store) -> None:
    done = launched("--seeds", "2", "--follow")
    assert done.exit_code == 2 and "--follow shows one run" in done.output and store.queue() == []
