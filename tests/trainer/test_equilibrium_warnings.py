"""What NEq warns of goes into a run's log, and what it refuses ends the run with reason and remedy."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

import pytest
import torch
from torch import Tensor, nn

from contract.config import RunConfig
from contract.errors import RunError
from contract.events import Event, Logged, RunFinished
from contract.plugins import ModelPlugin
from neq.errors import NoStepMade, ProbeChanged
from trainer.engines.environment import Workplace
from trainer.models import DataShape
from trainer.training import train
from trainer.training.equilibrium import collect_neq_warnings
from trainer.training.error_messages import explained


def test_neqs_warnings_are_collected_each_time_and_others_go_on() -> None:
    told: list[str] = []
    with pytest.warns(DeprecationWarning, match="old"):
        for _ in range(2):
            with collect_neq_warnings(told):
                warnings.warn(NoStepMade("no optimizer made a step in epoch 3"), stacklevel=1)
                warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert told == ["no optimizer made a step in epoch 3"] * 2


def test_a_warning_before_an_error_is_told_too() -> None:
    told: list[str] = []

    def fails() -> None:
        with collect_neq_warnings(told):
            warnings.warn(NoStepMade("no step"), stacklevel=1)
            raise ProbeChanged("it is another", "let it be the same")

    with pytest.raises(ProbeChanged):
        fails()
    assert told == ["no step"]


def test_what_neq_refuses_ends_a_run_with_its_own_remedy() -> None:
    error = explained(ProbeChanged("batch 0 is another", "shuffle nothing"), RunConfig())
    assert error is not None
    assert (error.message, error.remedy) == ("Batch 0 is another.", "Shuffle nothing.")


class Shrinking(nn.Module):
    """Shrinks its own weights in training, as a maximal norm does, in every `every`-th forward pass."""

    def __init__(self, shape: DataShape, every: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(shape.channels * 64, 8), nn.ReLU())
        self.head = nn.Linear(8, shape.classes)
        self.every, self.passes = every, 0

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.passes += 1
            if self.passes % self.every == 0:
                with torch.no_grad():
                    self.layers[1].weight *= 0.999
        logits: Tensor = self.head(self.layers(images))
        return logits


class ShrinkingNet(ModelPlugin):
    kind: Literal["shrinking-net"] = "shrinking-net"
    builder: ClassVar[str] = f"{__name__}:shrinking"
    every: int


def shrinking(config: ShrinkingNet, shape: DataShape) -> Shrinking:
    return Shrinking(shape, config.every)


def launched(folder: Path, every: int) -> Iterator[Event]:
    """A run of 10 batches an epoch whose neurons all freeze but those of the last layer."""
    config = RunConfig.model_validate(
        {
            "data": {"kind": "synthetic", "classes": 4, "size": 8, "train_samples": 208, "test_samples": 40},
            "optimizer": {"kind": "sgd", "learning_rate": 0.01},
            "training": {"epochs": 4, "batch_size": 20},
            "neq": {"epsilon": 2.0, "probe": {"samples": 8}},
            "compute": {"device": "cpu"},
        }
    ).model_copy(update={"model": ShrinkingNet(every=every)})
    return train(config, Workplace(folder, threads=1))


def test_a_launched_run_logs_what_neq_warns_of_and_goes_on(tmp_path: Path) -> None:
    events = list(launched(tmp_path, every=10))
    told = [event for event in events if isinstance(event, Logged) and "frozen neurons were changed" in event.text]
    assert {event.level for event in told} == {"warning"}
    assert "layer 'layers.1': 8 frozen neurons were changed in epoch 2" in told[0].text
    assert isinstance(events[-1], RunFinished)


def test_a_launched_run_that_neq_refuses_ends_with_reason_and_remedy(tmp_path: Path) -> None:
    events: list[Event] = []
    with pytest.raises(RunError) as caught:
        events.extend(launched(tmp_path, every=1))
    assert re.match(
        r"Layer 'layers\.1': 8 frozen neurons were moved between \d+ steps of epoch 2", caught.value.message
    )
    assert "LayerFilter(never_freeze=('layers.1',))" in caught.value.remedy
