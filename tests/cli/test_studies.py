"""`neq studies` and `neq launch --study` against a real server in this process."""

import json

import pytest
from click.testing import CliRunner

from cli.studies import studies
from db import Store
from tests.cli.test_sweep import launched, store

__all__ = ["store"]


def test_studies_are_listed_with_their_scaling_and_source(store: Store) -> None:
    done = CliRunner().invoke(studies, [])
    assert done.exit_code == 0, done.output
    assert "epsilon: Threshold ε. How large may ε be before freezing costs accuracy?" in done.output
    assert "--scale here: 9 runs; time and disk: unknown" in done.output
    assert "here a small CNN" in done.output and "arXiv 2207.09455" in done.output
    lines = CliRunner().invoke(studies, ["--json"]).stdout.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["optimizer", "epsilon", "mu", "probe-size"]


def test_a_study_is_launched_in_its_group(store: Store) -> None:
    done = launched("--study", "epsilon")
    assert done.exit_code == 0, done.output
    runs = [store.run(run) for run in store.queue()]
    assert len(runs) == 9 and {run.group for run in runs} == {"study epsilon, scaled"}
    assert {run.tags for run in runs} == {("study:epsilon", "scaled")}
    assert {run.config["data"]["kind"] for run in runs} == {"fashion-mnist-mini"}


def test_flags_override_what_a_study_asks_for(store: Store) -> None:
    done = launched(
        *("--study", "mu", "--scale", "paper", "--seeds", "2", "--group", "mine"),
        *("--training.epochs", "200", "--sweep", "neq.mu=0,0.25"),
    )
    assert done.exit_code == 0, done.output
    runs = [store.run(run) for run in store.queue()]
    assert [(run.config["neq"]["mu"], run.config["training"]["seed"]) for run in runs] == [
        (0, 0),
        (0, 1),
        (0.25, 0),
        (0.25, 1),
    ]
    assert {(run.group, run.epochs_planned, run.config["data"]["kind"]) for run in runs} == {("mine", 200, "cifar10")}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--study", "nosuch"), "not one of optimizer, epsilon, mu, probe-size"),
        (("--study", "mu", "--preset", "demo-sgd"), "leave --config and --preset out"),
        (("--scale", "paper"), "name one with --study"),
    ],
)
def test_what_cannot_be_meant_is_refused(store: Store, arguments: tuple[str, ...], words: str) -> None:
    done = launched(*arguments)
    assert done.exit_code == 2 and words in done.output
    assert store.queue() == []
