"""What commands print of other people's texts, and the table of runs."""

import io
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from cli import runs as runs_module
from cli.client import SaidEvent
from cli.launch import follow_to_the_end
from cli.main import app
from cli.printing import one_line, printable, underlined
from cli.runs import _table


def run(**changes: Any) -> dict[str, Any]:
    """What the API says of a run, as far as the table shows it."""
    usual = {
        "id": "abcdefghij",
        "name": "plain",
        "state": "running",
        "epochs_done": 3,
        "epochs_planned": 40,
        "test_accuracy": 0.65432,
        "frozen_fraction": 0.5,
        "timing": {"elapsed_seconds": 65.2, "seconds_left": None},
    }
    return usual | changes


def shown(*found: dict[str, Any]) -> list[list[str]]:
    """The table's cells, row by row."""
    screen = io.StringIO()
    Console(file=screen, width=200).print(_table(list(found)))
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in screen.getvalue().splitlines()]


def test_the_accuracy_of_a_script_is_shown_as_it_logged_it() -> None:
    fraction, percentage = ({"logged_accuracy": {"name": "acc", "last": last, "max": 1}} for last in (0.5, 85.31234))
    table = shown(*(run(test_accuracy=None, **logged) for logged in (fraction, percentage, {"logged_accuracy": None})))
    assert [row[4] for row in table] == ["accuracy", "50.0 %", "85.31", "–"]


def test_the_table_of_runs_has_a_figure_in_each_column() -> None:
    finished = run(
        name="done",
        state="finished",
        epochs_done=40,
        test_accuracy=1.0,
        frozen_fraction=0.0,
        timing={"elapsed_seconds": 3725, "seconds_left": 0},
    )
    new = run(
        name="new", state="queued", epochs_done=0, test_accuracy=None, frozen_fraction=None,
        timing={"elapsed_seconds": None, "seconds_left": 4.14},
    )  # fmt: skip
    assert shown(run(), finished, new) == [
        ["id", "name", "state", "epochs", "accuracy", "frozen", "elapsed", "left"],
        ["abcdefghij", "plain", "running", "3/40", "65.4 %", "50.0 %", "1 min 05 s", "–"],
        ["abcdefghij", "done", "finished", "40/40", "100.0 %", "0.0 %", "1 h 02 min", "0 s"],
        ["abcdefghij", "new", "queued", "0/40", "–", "–", "–", "4 s"],
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (129, "2 min 10 s"), (594, "9 min 50 s"), (596, "10 min"),
     (1012, "17 min"), (3725, "1 h 02 min")],
)  # fmt: skip
def test_the_time_left_is_no_finer_than_it_can_be_known(seconds: float, words: str) -> None:
    assert shown(run(timing={"elapsed_seconds": None, "seconds_left": seconds}))[1][-1] == words


HOSTILE = {
    "[/x]": "[/x]",
    "[red]x[/red]": "[red]x[/red]",
    "[link=http://evil.example]x": "[link=http://evil.example]x",
    ":smile:": ":smile:",
    "a\x1b[31mb": "a�[31mb",
    "a\x1b]0;title\x07": "a�]0;title�",
    "a\rb\nc\td\x9b": "a�b c�d�",
    "a\u202eb\u2066": "a�b�",
    "🐈\u200d🐈 ü": "🐈\u200d🐈 ü",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_run_s_name_is_shown_as_it_is_and_does_nothing_to_the_terminal(name: str) -> None:
    assert shown(run(name=name))[1][1] == HOSTILE[name]
    assert str(one_line(name)) == HOSTILE[name]
    assert "\x1b" not in printable(name) and "\x9b" not in printable(name)


def test_a_run_that_is_followed_shows_names_and_reasons_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    class Told:
        """A server that tells of one failure."""

        def events(self, _run_id: str, _after: int) -> list[SaidEvent]:
            return [SaidEvent(1, "run_failed", {"reason": "No [/file] \x1b[2J", "remedy": "[b]Look[/b]"})]

    code = follow_to_the_end(Told(), run(name="[/x]\x1b[31m"))  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert code == 1
    assert "failed: No [/file] �[2J [b]Look[/b]" in " ".join(out.split())
    assert "\x1b[2J" not in out and "\x1b[31m" not in out


def test_what_a_server_says_of_its_health_and_its_refusals_does_nothing_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = {
        "status": "degraded",
        "version": "1",
        "store": {"kind": "sqlite"},
        "problems": ["\x1b[2Jfull"],
        "workers": [{"name": "w\x1b[31m", "heard_seconds_ago": 3.2}],
    }
    monkeypatch.setattr(runs_module.Client, "ask", lambda *_: said)
    result = CliRunner().invoke(app, ["health"], color=True)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "server degraded, version 1, store sqlite",
        "problem: �[2Jfull",
        "worker w�[31m: last heartbeat 3 s ago",
    ]


@pytest.mark.parametrize(
    ("text", "start", "end", "shown"),
    [
        ("a == 1", 2, 4, "  a == 1\n    ^^"),
        ("a =", 3, 3, "  a =\n     ^"),
        ("a\n= \x1b", 2, 3, "  a =  \n    ^"),
        ("", 0, 0, "  \n  ^"),
        ("x" * 200 + "=" + "y" * 200, 200, 201, "  " + "x" * 50 + "=" + "y" * 49 + "\n  " + " " * 50 + "^"),
        ("x" * 2001, 2000, 2001, "  " + "x" * 51 + "\n  " + " " * 50 + "^"),
        ("a" * 300, 0, 300, "  " + "a" * 100 + "\n  " + "^" * 100),
        ("short", 90, 99, "  short\n       ^"),
    ],
)
def test_a_place_of_a_text_is_underlined(text: str, start: int, end: int, shown: str) -> None:
    assert underlined(text, start, end) == shown
