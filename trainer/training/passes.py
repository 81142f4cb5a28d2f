"""One pass over the training images, one over the test images, and the signs of life that they give."""

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Literal

import torch
from torch import Tensor, nn

from contract.errors import RunError
from contract.events import EpochProgressed, Logged
from neq.device.free_memory import give_back_unused, is_out_of_memory
from trainer.data import ImageData
from trainer.data.datasets.images import batch_bounds
from trainer.engines.device_errors import first_line
from trainer.training.error_messages import SMALLER
from trainer.training.metrics import Score
from trainer.training.tasks import Task, answers_in
from trainer.training.train_step import Steps

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


def _judge(
    model: nn.Module, task: Task, reduced: torch.dtype | None, inputs: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    answers = _answers(model, inputs, reduced)
    return task.test_loss(answers, targets), answers


@dataclass
class Pieces:
    """Takes test batches apart where memory does not suffice for them: in eval mode images do not depend on each other.

    Attributes:
        most: images that are looked at together; None: a whole batch. Halved where memory runs out, down to 1.
    """

    most: int | None = None

    def judged(
        self, judge: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], inputs: Tensor, targets: Tensor
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The mean loss, the answers and the targets of each piece of a batch.

        Raises:
            RunError: memory runs out on a single image.
        """
        done = 0
        while done < len(inputs):
            piece = slice(done, done + (self.most or len(inputs)))
            if (judged := self._tried(judge, inputs[piece], targets[piece])) is not None:
                yield *judged, targets[piece]
                done = piece.stop

    def _tried(
        self, judge: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]], inputs: Tensor, targets: Tensor
    ) -> tuple[Tensor, Tensor] | None:
        """None where memory ran out, and pieces are smaller from now on."""
        try:
            return judge(inputs, targets)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(inputs) == 1:
                raise RunError(
                    f"The device ran out of memory with a single test image: {first_line(error)}", SMALLER
                ) from error
        self.most = len(inputs) // 2
        give_back_unused(inputs.device)  # once the error, whose traceback holds what was computed, is forgotten
        return None


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
    pieces: Pieces | None = None,
) -> Generator[EpochProgressed | Logged, None, Score]:
    """Scores the network on the test images, in eval mode; losses and scores are added up in float32.

    Args:
        reduced: what the forward pass computes in where the device profits; None: in the weights' own type.
        pieces: how many of a batch are looked at together, which becomes less where memory runs out.

    Raises:
        RunError: the loss is not a number, or memory runs out on a single image.
    """
    model.eval()
    pieces = pieces or Pieces()
    tally = task.tally(data.device, whole=True)
    signs = Signs(pace, epoch, "evaluate", math.ceil(len(data.test) / batch_size))
    for done, (inputs, targets) in enumerate(data.batches(data.test, batch_size), start=1):
        before = pieces.most
        for loss, answers, meant in pieces.judged(partial(_judge, model, task, reduced), inputs, targets):
            tally.add(loss, answers, meant)
        if pieces.most != before:
            yield Logged(
                level="warning",
                text=f"Memory ran out while the network was tested: from here on on {pieces.most} images at once.",
            )
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
