"""`neq launch --check` where nobody answers: it says what it waits for, and ends."""

from typing import Any

import pytest

from cli import checking

PENDING: dict[str, Any] = {"id": "a", "state": "pending", "errors": [], "warnings": [], "reason": None}


class Waiting:
    """A server on which a check waits: for ever, or until it was asked `answers_after` times."""

    def __init__(self, answers_after: int | None = None) -> None:
        self._left = answers_after

    def ask(self, method: str, path: str, **_: Any) -> dict[str, Any]:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                return PENDING | {"state": "ok", "parameters": 5, "neurons": 2, "worker": "w", "seconds": 1.0}
        return PENDING


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"ASK_SECONDS": 0.01, "WAITING_SECONDS": 0.05, "MOST_SECONDS": 0.3}.items():
        monkeypatch.setattr(checking, name, seconds)


def test_a_check_that_nobody_answers_ends_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert checking.look_over(Waiting(), {}) == 0  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert said.err.count("waiting for a worker to check it") == 1
    assert "not fully checked: no worker responded within 0 s" in said.out


def test_an_answer_that_comes_late_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert checking.look_over(Waiting(10), {}) == 0  # type: ignore[arg-type]
    said = capsys.readouterr()
    assert "waiting for a worker to check it" in said.err
    assert said.out.startswith("ok: 5 parameters, 2 neurons watched")


def test_an_answer_at_once_needs_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert checking.look_over(Waiting(1), {}) == 0  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""
