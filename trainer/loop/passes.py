"""One pass over the training images, one over the test images, and the signs of life that they give."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal

import torch
from torch import Tensor, nn

from trainer.data import ImageData
from trainer.data.images import batch_bounds
from trainer.errors import RunError
from trainer.events import EpochProgressed
from trainer.loop.scores import Score
from trainer.loop.steps import Steps
from trainer.loop.tasks import Task, answers_in

SECONDS_BETWEEN_SIGNS = 0.5
Phase = Literal["train", "probe", "evaluate"]


@dataclass
class Pace:
    """Lets a sign of life through at most twice a second, across phases and epochs."""

    last: float = field(default_factory=perf_counter)

    def due(self) -> bool:
        """Whether it is time; a yes starts the wait anew."""
        now = perf_counter()
        if now - self.last < SECONDS_BETWEEN_SIGNS:
            return False
        self.last = now
        return True


@dataclass
class Signs:
    """Writes the signs of life of one phase of one epoch."""

    pace: Pace
    epoch: int
    phase: Phase
    batches: int
    began: float = field(default_factory=perf_counter)

    def at(self, batch: int, samples: int, loss: float | None) -> EpochProgressed:
        """The sign after so many batches and images of this phase."""
        seconds = perf_counter() - self.began
        return EpochProgressed(
            epoch=self.epoch,
            phase=self.phase,
            batch=batch,
            batches=self.batches,
            loss=loss,
            samples_per_second=samples / seconds if seconds > 0 else None,
        )


def training_pass(
    steps: Steps,
    data: ImageData,
    *,
    batch_size: int,
    random: torch.Generator,
    pace: Pace,
    epoch: int,
) -> Generator[EpochProgressed, None, Score]:
    """Trains on every training image once; returns the loss and accuracy met on the way.

    Raises:
        RunError: the loss is no longer a number.
    """
    steps.network.train()
    tally = steps.task.tally(random.device, whole=False)
    batches = len(batch_bounds(len(data.train), batch_size))
    signs = Signs(pace, epoch, "train", batches)
    for batch, (inputs, targets) in enumerate(data.training_batches(batch_size, random)):
        loss, answers = steps.learn(inputs, targets, batch=batch, batches=batches)
        tally.add(loss, answers, targets)
        if pace.due():
            yield signs.at(batch + 1, tally.images, _finite(tally.score(), epoch).loss)
    steps.memory.goes_on(ordinary=False)
    return _finite(tally.score(), epoch)


@torch.no_grad()
def _answers(model: nn.Module, inputs: Tensor, reduced: torch.dtype | None) -> Tensor:
    with torch.autocast(inputs.device.type, dtype=reduced, enabled=reduced is not None):
        answers = answers_in(model(inputs))[0]
    return answers.float() if reduced is not None else answers


def evaluating_pass(
    model: nn.Module,
    task: Task,
    data: ImageData,
    *,
    batch_size: int,
    pace: Pace,
    epoch: int,
    train_loss: float,
    reduced: torch.dtype | None = None,
) -> Generator[EpochProgressed, None, Score]:
    """Scores the network on the test images, in eval mode; losses and scores are added up in float32.

    Args:
        reduced: what the forward pass computes in where the device profits; None: in the weights' own type.

    Raises:
        RunError: the loss is not a number.
    """
    model.eval()
    tally = task.tally(data.device, whole=True)
    signs = Signs(pace, epoch, "evaluate", math.ceil(len(data.test) / batch_size))
    for done, (inputs, targets) in enumerate(data.batches(data.test, batch_size), start=1):
        answers = _answers(model, inputs, reduced)
        tally.add(task.test_loss(answers, targets), answers, targets)
        if pace.due():
            yield signs.at(done, tally.images, train_loss)
    return _finite(tally.score(), epoch)


def _finite(score: Score, epoch: int) -> Score:
    if math.isfinite(score.loss):
        return score
    raise RunError(
        f"The loss became {score.loss} in epoch {epoch}: training diverged.",
        "Lower optimizer.learning_rate, set training.clip_norm, or raise training.batch_size.",
    )
