"""Commands for many runs, against a real server in this process."""

from importlib import import_module

import pytest
from click.testing import CliRunner, Result

from cli.main import COMMANDS
from db import NewRun, Store
from tests.cli.test_sweep import store as store
from tests.server.test_going_on import Keeping


def neq(name: str, *arguments: str) -> Result:
    return CliRunner().invoke(getattr(import_module(COMMANDS[name]), name), arguments)


@pytest.fixture
def runs(store: Store) -> list[str]:
    """Three queued runs of a group."""
    return [run.id for run in store.create_runs([NewRun(config={}, epochs_planned=1, group="g") for _ in range(3)])]


def test_the_queue_is_put_in_order(store: Store, runs: list[str]) -> None:
    a, b, c = runs
    assert neq("move", c, "--before", a).exit_code == 0 and store.queue() == [c, a, b]
    assert neq("move", c, a, "--last").exit_code == 0 and store.queue() == [b, c, a]
    assert neq("prioritise", a, "--priority", "3").exit_code == 0 and store.queue() == [a, b, c]
    done = neq("hold", "--group", "g")
    assert done.exit_code == 0 and done.output == "hold: 3 runs\n" and store.queue() == []
    assert neq("release", b).exit_code == 0
    shown = neq("queue")
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert [line[:2] for line in lines] == [["place", "id"], ["1", a], ["2", b], ["3", c]]
    assert [line[-1] == "held" for line in lines[1:]] == [True, False, True]
    lost = neq("hold", "--group", "nosuch")
    assert lost.exit_code == 2 and "There is no run in the group 'nosuch'" in lost.stderr
    assert "No worker is running" in shown.stderr


def test_runs_are_put_away_and_stopped_by_their_group(store: Store, runs: list[str]) -> None:
    assert neq("archive", *runs[:2]).exit_code == 0
    assert [run.id for run in store.runs().items] == runs[2:]
    assert neq("restore", "--group", "g").output == "restore: 3 runs\n"
    assert neq("stop", "--group", "g").output == "stop: 3 runs\n"
    assert neq("groups").output == "g: 3 runs (3 stopped)\n"
    again = neq("stop", *runs[:2])
    assert again.exit_code == 2 and again.stderr.count("has ended already") == 2 and again.stdout == "stop: 0 runs\n"


def test_controls_are_launched_and_what_cannot_be_is_said(store: Store) -> None:
    assert neq("launch", "--name", "x").exit_code == 0
    (run,) = store.queue()
    done = neq("controls", run, "--kind", "dense", "--kind", "replay")
    assert done.exit_code == 0, done.output
    assert "x · dense" in done.stdout and f"{run} replay: Its masks can be replayed once" in done.stderr
    again = neq("controls", run, "--kind", "dense")
    assert again.exit_code == 2 and "It is there already." in again.stderr
    assert neq("controls").exit_code == 2


def test_empty_places_say_what_to_do(store: Store) -> None:
    assert neq("queue").output == "No run is waiting.\n"
    assert "neq launch --sweep" in neq("groups").output


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["hold"], "give the ids of runs, or --group NAME"),
        (["hold", "a", "--group", "g"], "give the ids of runs, or --group NAME"),
        (["move", "a"], "give --before RUN, or --last"),
        (["move", "a", "--before", "b", "--last"], "give --before RUN, or --last"),
        (["prioritise", "a"], "--priority"),
        (["prioritise", "a", "--priority", "11"], "-10<=x<=10"),
        (["stop"], "give the ids of runs"),
    ],
)
def test_what_is_left_out_is_said(store: Store, command: list[str], words: str) -> None:
    done = neq(*command)
    assert done.exit_code == 2 and words in done.output


def test_runs_are_extended_and_what_cannot_be_is_said(store: Store, runs: list[str]) -> None:
    done = neq("extend", "--group", "g", "--epochs", "9")
    assert done.exit_code == 2 and done.stderr.count("it can be extended once it has ended") == 3
    assert done.stdout == "extend: 0 runs\n"
    for waiting in runs:
        store.request_stop(waiting)
    keeping = Keeping(store)
    keeping.start()
    keeping.epoch()
    keeping.stop()
    done = neq("extend", keeping.id, "--epochs", "900")
    assert done.exit_code == 0 and done.stdout.splitlines()[-1] == "extend: 1 run"
    assert " · 900 epochs" in done.stdout and store.queue()[0] in done.stdout
    assert neq("extend", keeping.id).exit_code == 2
