"""What is printed, as lines of the run's log."""

import pytest

from neq.recording.facts import Printed
from neq.recording.printed import MOST_CHARACTERS, PrintedLines


def told(*pieces: str, end: bool = False) -> list[str]:
    lines = PrintedLines()
    for piece in pieces:
        lines.add(Printed(piece, "stdout"))
    return [said.event["text"] for said in (lines.rest() if end else lines.lines())]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (("a\nb\n",), ["a\nb"]),
        (("a", "b", "\n"), ["ab"]),
        (("\r 10%", "\r 20%", "\r100%\n"), ["100%"]),
        (("10%\r", "20%\r", "\n"), ["20%"]),
        (("50%\r\x1b[K\n",), ["50%"]),
        (("\x1b[31mred\x1b[0m\n",), ["red"]),
        (("windows\r\n",), ["windows"]),
        (("\n \n",), []),
        (("no end",), []),
    ],
)
def test_pieces_become_lines_and_bars_their_last_state(pieces: tuple[str, ...], expected: list[str]) -> None:
    assert told(*pieces) == expected


def test_the_end_of_a_run_ends_its_last_line() -> None:
    assert told("no end", end=True) == ["no end"]


def test_a_bar_that_never_ends_takes_no_memory() -> None:
    lines = PrintedLines()
    for done in range(10_000):
        lines.add(Printed(f"{done}%\r", "stderr"))
    assert len(lines._open["stderr"]) < 100


def test_a_flood_is_cut_and_events_stay_small() -> None:
    found = told("x" * 50_000 + "\n", "y" * 50_000 + "\n", *(["z" * 1_000 + "\n"] * 1_000))
    assert all(len(text) <= MOST_CHARACTERS for text in found)
    assert "more lines are left out]" in found[-1]
