"""Training on every training image once."""

import math
from collections.abc import Generator

import torch

from contract.events import EpochProgressed
from trainer.data import ImageData
from trainer.training.error_messages import diverged
from trainer.training.metrics import Metrics
from trainer.training.progress import Progress, ProgressThrottle
from trainer.training.train_step import TrainStep


def train_epoch(
    train_step: TrainStep,
    data: ImageData,
    *,
    batch_size: int,
    random: torch.Generator,
    throttle: ProgressThrottle,
    epoch: int,
) -> Generator[EpochProgressed, None, Metrics]:
    """Trains on every training image once; returns the mean loss and accuracy of the batches as they were trained on.

    Raises:
        RunError: the loss is no longer a number.
    """
    train_step.network.train()
    accumulator = train_step.task.accumulator(random.device, whole=False)
    bounds = data.training_bounds(batch_size)
    progress = Progress(throttle, epoch, "train", len(bounds))
    for batch, (inputs, targets) in enumerate(data.training_batches(batch_size, random)):
        first, stop = bounds[batch]
        loss, logits = train_step(inputs, targets, batch=batch, batches=len(bounds), images=stop - first)
        accumulator.update(loss, logits, targets)
        if progress.due():  # by this process's own sums: the others may not be asked at the same time
            yield progress.report(batch + 1, stop, finite(accumulator.compute(), epoch).loss)
    train_step.memory.enter(ordinary=False)
    train_step.ranks.add_up(accumulator.sums)
    return finite(accumulator.compute(), epoch)


def finite(metrics: Metrics, epoch: int) -> Metrics:
    """The metrics, if their loss is a number; else the RunError that training diverged."""
    if math.isfinite(metrics.loss):
        return metrics
    raise diverged(metrics.loss, epoch)
