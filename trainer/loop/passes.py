"""One pass over the training images, one over the test images, and the signs of life that they give."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer

from trainer.data import ImageData
from trainer.data.images import batch_bounds
from trainer.errors import RunError
from trainer.events import EpochProgressed

SECONDS_BETWEEN_SIGNS = 0.5
Phase = Literal["train", "probe", "evaluate"]


class Score(NamedTuple):
    """Means over the images of a pass: cross-entropy in nats, accuracy in 0–1."""

    loss: float
    accuracy: float


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


class Tally:
    """Loss and hits added up on the device, so that no batch waits for the one before."""

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)
        self.samples = 0

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Takes in one batch: its mean loss and what the network answered."""
        count = labels.numel()
        self._sums[0] += loss.detach() * count
        self._sums[1] += (logits.argmax(dim=1) == labels).sum()
        self.samples += count

    def score(self) -> Score:
        """The means so far; waits for the device."""
        loss, hits = self._sums.tolist()
        return Score(loss / self.samples, hits / self.samples)


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
    model: nn.Module,
    optimizer: Optimizer,
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
    model.train()
    tally = Tally(random.device)
    signs = Signs(pace, epoch, "train", len(batch_bounds(len(data.train), batch_size)))
    for done, (inputs, labels) in enumerate(data.training_batches(batch_size, random), start=1):
        optimizer.zero_grad(set_to_none=True)
        logits = model(inputs)
        loss = cross_entropy(logits, labels)
        loss.backward()
        optimizer.step()
        tally.add(loss, logits, labels)
        if pace.due():
            yield signs.at(done, tally.samples, _finite(tally.score(), epoch).loss)
    return _finite(tally.score(), epoch)


@torch.no_grad()
def _answers(model: nn.Module, inputs: Tensor) -> Tensor:
    logits: Tensor = model(inputs)
    return logits


def evaluating_pass(
    model: nn.Module,
    data: ImageData,
    *,
    batch_size: int,
    pace: Pace,
    epoch: int,
    train_loss: float,
) -> Generator[EpochProgressed, None, Score]:
    """Scores the network on the test images, in eval mode.

    Raises:
        RunError: the loss is not a number.
    """
    model.eval()
    tally = Tally(data.device)
    signs = Signs(pace, epoch, "evaluate", math.ceil(len(data.test) / batch_size))
    for done, (inputs, labels) in enumerate(data.batches(data.test, batch_size), start=1):
        logits = _answers(model, inputs)
        tally.add(cross_entropy(logits, labels), logits, labels)
        if pace.due():
            yield signs.at(done, tally.samples, train_loss)
    return _finite(tally.score(), epoch)


def _finite(score: Score, epoch: int) -> Score:
    if math.isfinite(score.loss):
        return score
    raise RunError(
        f"The loss became {score.loss} in epoch {epoch}: training diverged.",
        "Lower optimizer.learning_rate, or raise training.batch_size.",
    )
