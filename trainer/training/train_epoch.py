"""Training on every training image once."""

import math
from collections.abc import Generator

import torch

from contract.events import EpochProgressed
from trainer.data import ImageData
from trainer.data.datasets.images import batch_bounds
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
    batches = len(batch_bounds(len(data.train), batch_size))
    progress = Progress(throttle, epoch, "train", batches)
    for batch, (inputs, targets) in enumerate(data.training_batches(batch_size, random)):
        loss, logits = train_step(inputs, targets, batch=batch, batches=batches)
        accumulator.update(loss, logits, targets)
        if progress.due():
            yield progress.report(batch + 1, accumulator.images, finite(accumulator.compute(), epoch).loss)
    train_step.memory.enter(ordinary=False)
    return finite(accumulator.compute(), epoch)


def finite(metrics: Metrics, epoch: int) -> Metrics:
    """The metrics, if their loss is a number; else the RunError that training diverged."""
    if math.isfinite(metrics.loss):
        return metrics
    raise diverged(metrics.loss, epoch)
