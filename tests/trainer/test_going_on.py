"""A run that goes on from a checkpoint is the run that never stopped, to the bit."""

from pathlib import Path
from typing import Any

import pytest
import torch

from contract.config import RunConfig
from contract.errors import RunError
from contract.events import EpochFinished, Event, RunContinued
from tests.trainer.test_train import SMALL, epochs_of, without_times
from trainer.checkpoints import files
from trainer.engines.environment import Workplace
from trainer.engines.resume_point import ResumePoint
from trainer.training import train
from trainer.training.tasks import Classification
from trainer.training.train_step import TrainStep

pytestmark = pytest.mark.slow

KINDS: list[dict[str, Any]] = [
    {},
    {"optimizer": {"kind": "adam", "learning_rate": 0.01}},
    {"optimizer": {"kind": "adamw", "learning_rate": 0.01}, "schedule": {"kind": "cosine"}},
    {"optimizer": {"kind": "sgd", "momentum": 0.9, "nesterov": True, "learning_rate": 0.05}},
    {
        "model": {"kind": "mlp", "hidden": [12]},
        "training": {"epochs": 5, "batch_size": 20, "gradient_accumulation_steps": 3},
    },
    {"compute": {"device": "cpu", "precision": "bf16"}},
]


def place(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path, "cpu", 1, checkpoints=tmp_path / "checkpoints")


def until(
    tmp_path: Path, epoch: int | None, resume_point: ResumePoint, **changes: Any
) -> tuple[list[Event], ResumePoint]:
    """What the run says until this epoch is recorded, and is then cut off; and how it stands then."""
    events = []
    running = train(RunConfig.model_validate(SMALL | changes), place(tmp_path), resume_point)
    for event in running:
        events.append(event)
        if isinstance(event, EpochFinished):
            assert event.checkpoint is not None
            resume_point = ResumePoint(resume_point.run_id, event.epoch + 1, True, event.checkpoint.path)
            if event.epoch == epoch:
                break
    running.close()
    return events, resume_point


def said(events: list[Event]) -> list[dict[str, Any]]:
    """All but times, files, and that it went on."""
    kept = without_times([event for event in events if event.kind not in ("run_continued", "logged")])
    return [{name: value for name, value in event.items() if name != "checkpoint"} for event in kept]


@pytest.mark.parametrize("changes", KINDS, ids=str)
def test_cut_off_after_every_epoch_it_says_the_same_to_the_bit(tmp_path: Path, changes: dict[str, Any]) -> None:
    config = RunConfig.model_validate(SMALL | changes)
    probe_batches = list(train(config, Workplace(tmp_path, "cpu", 1)))
    resume_point, events = ResumePoint("run1"), []
    for epoch in range(5):
        torch.rand(3)  # what else happens in between does not matter
        torch.manual_seed(epoch)
        part, resume_point = until(tmp_path, epoch, resume_point, **changes)
        events += part
    part, _ = until(tmp_path, None, resume_point, **changes)
    assert said(events + part) == said(probe_batches)
    assert any(epoch.frozen_fraction for epoch in epochs_of(probe_batches)), "there was something to lose"


def test_a_run_whose_last_epoch_is_recorded_has_its_end_to_tell(tmp_path: Path) -> None:
    whole, resume_point = until(tmp_path, 4, ResumePoint("run1"))
    rest, _ = until(tmp_path, None, resume_point)
    assert [event.kind for event in rest] == ["run_continued", "run_finished"]
    finished: Any = rest[-1]
    assert finished.test_accuracy == epochs_of(whole)[-1].test_accuracy
    assert finished.frozen_fraction == epochs_of(whole)[-1].frozen_fraction


def test_seconds_go_on_too(tmp_path: Path) -> None:
    _, resume_point = until(tmp_path, 1, ResumePoint("run1"))
    assert resume_point.checkpoint is not None
    content = files.read(tmp_path / "checkpoints", resume_point.checkpoint)
    assert content["seconds"] > 0
    rest, _ = until(tmp_path, None, resume_point)
    assert rest[-1].seconds > content["seconds"]  # type: ignore[union-attr]


def test_a_run_that_was_cut_off_in_its_first_epoch_begins_anew_without_starting_twice(tmp_path: Path) -> None:
    events, _ = until(tmp_path, 0, ResumePoint("run1", 0, started=True))
    assert isinstance(events[0], RunContinued) and events[0].epoch == 0
    assert epochs_of(events)[0].epoch == 0


def test_a_run_that_is_recorded_nowhere_leaves_no_checkpoint(tmp_path: Path) -> None:
    events = list(train(RunConfig.model_validate(SMALL), place(tmp_path)))
    assert all(epoch.checkpoint is None for epoch in epochs_of(events))
    assert not (tmp_path / "checkpoints").exists()


def test_a_checkpoint_holds_the_network_once(tmp_path: Path) -> None:
    """Last epoch's network and today's are the same then: 40 000 weights, and momentum for each, in float32."""
    model = {"kind": "mlp", "hidden": [200, 200]}
    events, _ = until(tmp_path, 0, ResumePoint("run1"), model=model)
    started, file = events[0], epochs_of(events)[0].checkpoint
    assert file is not None and started.kind == "run_started"
    assert file.size_bytes < started.parameters * 4 * 2.5


def test_another_configuration_is_refused_at_its_field(tmp_path: Path) -> None:
    _, resume_point = until(tmp_path, 1, ResumePoint("run1"))
    with pytest.raises(RunError, match=r"of another configuration: model.channels differs") as error:
        until(tmp_path, None, resume_point, model={"kind": "cnn", "channels": [4, 6, 9]})
    assert "Leave model.channels as it was" in str(error.value.remedy)


def test_a_checkpoint_of_another_epoch_than_the_records_is_refused(tmp_path: Path) -> None:
    _, resume_point = until(tmp_path, 1, ResumePoint("run1"))
    with pytest.raises(RunError, match="is of epoch 1, and the newest recorded one is 2"):
        until(tmp_path, None, ResumePoint("run1", 3, True, resume_point.checkpoint))
    with pytest.raises(RunError, match="no checkpoint of epoch 2"):
        until(tmp_path, None, ResumePoint("run1", 3, True, None))


def test_a_fork_goes_on_with_new_settings_and_the_old_memory(tmp_path: Path) -> None:
    """The same as a run whose rate falls at epoch 2 by its schedule: the rate is all that differs up to there."""
    _, resume_point = until(tmp_path, 1, ResumePoint("run1"), schedule={"kind": "constant"})
    falls = {"kind": "multistep", "milestones": [2]}
    forked, _ = until(tmp_path, None, resume_point, schedule=falls)
    whole = list(train(RunConfig.model_validate(SMALL | {"schedule": falls}), Workplace(tmp_path, "cpu", 1)))
    assert said(forked)[:-1] == said(whole)[3:-1]
    assert [epoch.learning_rate for epoch in epochs_of(forked)] == pytest.approx([0.005] * 3)


def test_a_forks_own_momentum_and_threshold_hold(tmp_path: Path) -> None:
    _, resume_point = until(tmp_path, 1, ResumePoint("run1"))
    same, _ = until(tmp_path, None, resume_point)
    loose, _ = until(tmp_path, None, resume_point, neq=SMALL["neq"] | {"epsilon": 4.0})
    slow, _ = until(tmp_path, None, resume_point, optimizer={"kind": "sgd", "learning_rate": 0.05, "momentum": 0.0})
    assert epochs_of(loose)[0].frozen_fraction > epochs_of(same)[0].frozen_fraction
    assert epochs_of(loose)[0].train_loss == epochs_of(same)[0].train_loss, "the mask of the former epoch holds"
    assert epochs_of(slow)[0].train_loss != epochs_of(same)[0].train_loss


def test_another_kind_of_optimizer_begins_without_memory_and_says_so(tmp_path: Path) -> None:
    _, resume_point = until(tmp_path, 1, ResumePoint("run1"))
    events, _ = until(tmp_path, 2, resume_point, optimizer={"kind": "adam", "learning_rate": 0.01})
    assert "it was sgd and is adam" in events[1].text  # type: ignore[union-attr]
    assert epochs_of(events)[0].epoch == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [("float32", "fp16"), ("fp16", "float32"), ("fp16", "bf16"), ("bf16", "fp16"), ("tf32", "fp16")],
)
def test_a_fork_may_compute_in_another_precision(tmp_path: Path, before: str, after: str) -> None:
    def compute(precision: str) -> dict[str, str]:
        return {"device": "cpu", "precision": precision}

    _, resume_point = until(tmp_path, 1, ResumePoint("run1"), compute=compute(before))
    same, _ = until(tmp_path, None, resume_point, compute=compute(before))
    forked, _ = until(tmp_path, None, resume_point, compute=compute(after))
    assert [epoch.epoch for epoch in epochs_of(forked)] == [2, 3, 4]
    assert epochs_of(forked)[0].train_loss != epochs_of(same)[0].train_loss
    assert epochs_of(forked)[0].train_loss == pytest.approx(epochs_of(same)[0].train_loss, rel=0.2)


def test_a_scaler_goes_on_with_its_scale_in_the_same_precision(tmp_path: Path) -> None:
    _, resume_point = until(tmp_path, 1, ResumePoint("run1"), compute={"device": "cpu", "precision": "fp16"})
    assert resume_point.checkpoint is not None
    kept = files.read(tmp_path / "checkpoints", resume_point.checkpoint)["steps"]["scaler"]
    config = RunConfig.model_validate(SMALL | {"compute": {"device": "cpu", "precision": "fp16"}})
    model = torch.nn.Linear(2, 2)
    steps = TrainStep.of(config, model, torch.optim.SGD(model.parameters()), Classification(2), torch.device("cpu"), 4)
    steps.load_state_dict({"taken": 3, "scaler": kept | {"scale": 8.0}})
    assert (steps.global_step, steps.scaler.get_scale()) == (3, 8.0)
    steps.load_state_dict({"taken": 4, "scaler": {}})
    assert steps.global_step == 4


def test_other_versions_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, resume_point = until(tmp_path, 1, ResumePoint("run1"))
    monkeypatch.setattr("trainer.training.run.versions", lambda: {"python": "4.0", "torch": str(torch.__version__)})
    events, _ = until(tmp_path, 2, resume_point)
    assert "python" in events[1].text and "→ 4.0" in events[1].text  # type: ignore[union-attr]


def test_the_time_of_writing_is_counted(tmp_path: Path) -> None:
    events, _ = until(tmp_path, 1, ResumePoint("run1"))
    assert all(epoch.seconds.checkpoint > 0 for epoch in epochs_of(events))
