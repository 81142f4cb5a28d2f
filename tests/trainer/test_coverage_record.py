"""What a run tells of how much of its network is watched."""

from pathlib import Path

import torch
from torch import nn

from contract.events import RunStarted, parse_event
from contract.layers import Coverage
from neq import NEq, Options
from neq.network.coverage import MOST_MODULES
from neq.recording.announcement import watch_started
from tests.trainer.test_telling import told
from trainer.training.coverage import coverage_record


def test_a_run_tells_at_its_beginning_how_much_is_watched(tmp_path: Path) -> None:
    started, _ = told(tmp_path)
    assert started.coverage == Coverage(
        parameters=started.parameters, watched=started.parameters, fraction=1.0, unwatched=()
    )


def test_what_is_not_watched_is_listed_by_size_and_long_lists_are_folded() -> None:
    model = nn.Sequential(nn.Linear(4, 4), *(nn.PReLU(4 if place == 7 else 1) for place in range(MOST_MODULES + 3)))
    neq = NEq(model, torch.optim.SGD(model.parameters(), lr=0.1), [torch.randn(2, 4)])
    found = coverage_record(neq.coverage())
    assert (found.parameters, found.watched) == (20 + MOST_MODULES + 6, 20)
    assert found.fraction == 20 / (MOST_MODULES + 26)
    assert len(found.unwatched) == MOST_MODULES
    assert (found.unwatched[0].name, found.unwatched[0].parameters) == ("8", 4)
    assert "register_layer" in found.unwatched[0].reason
    assert (found.more_modules, found.more_parameters) == (3, 3)
    announced = watch_started(neq, Options(epsilon=0.1), [], None, 0)
    assert Coverage.model_validate(announced["coverage"]) == found, "a script's run tells the same"


def test_a_stored_run_without_coverage_reads_as_not_telling(tmp_path: Path) -> None:
    started, _ = told(tmp_path)
    stored = started.model_dump(mode="json")
    del stored["coverage"]
    read = parse_event(stored)
    assert isinstance(read, RunStarted) and read.coverage is None
