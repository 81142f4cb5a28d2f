"""`neq studies` and `neq launch --study` against a real server in this process."""

import json
from typing import Any, cast

import pytest
from click.testing import CliRunner

from cli.client import Client
from cli.studies import studies
from cli.sweep import preview_sweep
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


class Answers:
    """A server whose workers have tried everything; `failing`: the optimizer whose runs fail."""

    def __init__(self, failing: str = "") -> None:
        self.failing = failing
        self.asked: list[str] = []

    def ask(self, method: str, path: str, json: Any) -> Any:
        """The preview of a sweep of six runs of two kinds, or a check."""
        if path == "/sweeps/preview":
            examples = [
                {"name": kind, "runs": runs, "config": {"kind": kind}} for kind, runs in (("sgd", 5), ("adam", 1))
            ]
            known = {"errors": [], "warnings": [], "estimate": None, "first": []}
            return known | {"runs": 6, "kinds": 3, "examples": examples}
        self.asked.append(json["kind"])
        errors = [{"field": "model", "message": "Too large"}] if json["kind"] == self.failing else []
        passed = {"state": "ok", "parameters": 1, "neurons": 2, "worker": "w", "seconds": 0.5}
        return passed | {"errors": errors, "warnings": []}


@pytest.mark.parametrize("failing", ["", "adam"])
def test_one_run_of_each_kind_is_tried_where_that_is_asked_for(
    failing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Answers(failing)
    assert preview_sweep(cast("Client", server), {}, tried=True) == (not failing)
    told = capsys.readouterr()
    assert server.asked == ["sgd", "adam"]
    assert "one small batch trained on w in 0.5 s (sgd; for 5 runs that cost alike)" in told.out
    assert ("error: model: Too large (adam; for this run)" in told.err) == bool(failing)
    assert "1 more kind of run not tried" in told.err
    assert preview_sweep(cast("Client", server), {}, tried=False)
    assert server.asked == ["sgd", "adam"]
