"""Runs that end once they have trained for so long, whatever is planned after."""

from pathlib import Path
from typing import Any, Literal

import pytest

from contract.events import RunFinished
from tests.trainer.test_going_on import said, until
from tests.trainer.test_train import SMALL, epochs_of, run
from trainer.engines.resume_point import ResumePoint
from trainer.training.epoch import PhaseTimer
from trainer.worker.event_records import record_of
from trainer.worker.log_messages import LogMessages

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def ten_seconds_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training an epoch is told to take 10 s, and everything else 1,000."""
    lap = PhaseTimer.lap

    def told(self: PhaseTimer, phase: Literal["train", "probe", "evaluate", "record"]) -> float:
        lap(self, phase)
        return 10.0 if phase == "train" else 1_000.0

    monkeypatch.setattr(PhaseTimer, "lap", told)


def until_spent(seconds: float) -> dict[str, Any]:
    return {"training": SMALL["training"] | {"stop_after_seconds": seconds}, "recording": {"arrays_every": 100}}


@pytest.mark.parametrize(("seconds", "epochs"), [(0.001, 1), (9.9, 1), (20.0, 3), (25.0, 3), (49.0, 5), (50.0, 5)])
def test_it_finishes_after_the_epoch_that_passes_the_limit_and_is_the_same_until_then(
    tmp_path: Path, seconds: float, epochs: int
) -> None:
    events = run(tmp_path, **until_spent(seconds))
    trained, whole = epochs_of(events), epochs_of(run(tmp_path))
    assert [epoch.epoch for epoch in trained] == list(range(epochs))
    rates = [epoch.learning_rate for epoch in whole]
    assert [epoch.learning_rate for epoch in trained] == rates[:epochs]  # the schedule is that of all epochs
    assert [epoch.test_loss for epoch in trained] == [epoch.test_loss for epoch in whole[:epochs]]
    assert [bool(epoch.snapshots) for epoch in trained] == [place in (0, epochs - 1) for place in range(epochs)]
    end = events[-1]
    assert isinstance(end, RunFinished) and end.epochs == epochs
    if epochs == 5:
        assert end.reason is None
        return
    words = f"It ended after {epochs} of 5 epochs: its training steps took {10 * epochs}.0 s"
    assert end.reason == f"{words}, and training.stop_after_seconds is {seconds:g}."
    assert (record_of(end).ends, record_of(end).reason) == ("finished", end.reason)
    message = LogMessages().message_after(end)
    assert message is not None and message.text.endswith(end.reason)


def test_time_before_an_interruption_counts(tmp_path: Path) -> None:
    changes, resume_point, events = until_spent(25.0), ResumePoint("run1"), []
    for epoch in range(3):
        part, resume_point = until(tmp_path, epoch, resume_point, **changes)
        events += part
    part, _ = until(tmp_path, None, resume_point, **changes)
    assert [event.kind for event in part] == ["run_continued", "run_finished"]  # nothing is trained beyond
    assert said(events + part) == said(run(tmp_path, **changes))


def test_without_a_limit_nothing_ends_early(tmp_path: Path) -> None:
    assert len(epochs_of(run(tmp_path))) == 5
