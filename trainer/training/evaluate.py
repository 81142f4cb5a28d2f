"""Evaluating the network on the test images."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from contract.events import EpochProgressed, Logged
from neq.device.free_memory import give_back_unused, is_out_of_memory
from trainer.data import ImageData
from trainer.training.error_messages import single_image_does_not_fit
from trainer.training.metrics import Metrics
from trainer.training.progress import Progress, ProgressThrottle
from trainer.training.ranks import ALONE, Ranks
from trainer.training.tasks import Task, logits_in
from trainer.training.train_epoch import finite

LossAndLogits = tuple[Tensor, Tensor]


@dataclass
class BatchSplitter:
    """Splits test batches that do not fit into memory: in eval mode images do not depend on each other.

    Attributes:
        size: images per piece; None: a whole batch. Halved where memory runs out, down to 1.
    """

    size: int | None = None

    def evaluated(
        self, evaluate: Callable[[Tensor, Tensor], LossAndLogits], inputs: Tensor, targets: Tensor
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The mean loss, the logits and the targets of each piece of a batch.

        Raises:
            RunError: memory runs out on a single image.
        """
        done = 0
        while done < len(inputs):
            piece = slice(done, done + (self.size or len(inputs)))
            if (result := self._attempt(evaluate, inputs[piece], targets[piece])) is not None:
                yield *result, targets[piece]
                done = piece.stop

    def _attempt(
        self, evaluate: Callable[[Tensor, Tensor], LossAndLogits], inputs: Tensor, targets: Tensor
    ) -> LossAndLogits | None:
        """None where memory ran out, and pieces are smaller from now on."""
        try:
            return evaluate(inputs, targets)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(inputs) == 1:
                raise single_image_does_not_fit(error) from error
        self.size = len(inputs) // 2
        give_back_unused(inputs.device)  # once the error, whose traceback holds what was computed, is forgotten
        return None


@torch.no_grad()
def _logits(model: nn.Module, inputs: Tensor, reduced: torch.dtype | None) -> Tensor:
    with torch.autocast(inputs.device.type, dtype=reduced, enabled=reduced is not None):
        logits = logits_in(model(inputs))[0]
    return logits.float() if reduced is not None else logits


def _loss_and_logits(
    model: nn.Module, task: Task, reduced: torch.dtype | None, inputs: Tensor, targets: Tensor
) -> LossAndLogits:
    logits = _logits(model, inputs, reduced)
    return task.test_loss(logits, targets), logits


def evaluate(
    model: nn.Module,
    task: Task,
    data: ImageData,
    *,
    batch_size: int,
    throttle: ProgressThrottle,
    epoch: int,
    train_loss: float,
    reduced: torch.dtype | None = None,
    splitter: BatchSplitter | None = None,
    ranks: Ranks = ALONE,
) -> Generator[EpochProgressed | Logged, None, Metrics]:
    """Computes the metrics on the test images, in eval mode; losses and metrics are added up in float32.

    Args:
        train_loss: of the same epoch, for progress reports.
        reduced: what the forward pass computes in where the device profits; None: in the weights' own type.
        splitter: splits batches where memory runs out, and remembers how small; None: one of its own.
        ranks: the processes that test a share of the images each.

    Raises:
        RunError: the loss is not a number, or memory runs out on a single image.
    """
    model.eval()
    splitter = splitter or BatchSplitter()
    accumulator = task.accumulator(data.device, whole=True)
    progress = Progress(throttle, epoch, "evaluate", data.batch_count(data.test, batch_size))
    forward = partial(_loss_and_logits, model, task, reduced)
    for done, (inputs, targets) in enumerate(data.batches(data.test, batch_size), start=1):
        before = splitter.size
        for piece in splitter.evaluated(forward, inputs, targets):
            accumulator.update(*piece)
        if splitter.size != before:
            yield Logged(
                level="warning",
                text=f"Memory ran out while the network was tested: from here on on {splitter.size} images at once.",
            )
        if progress.due():
            yield progress.report(done, accumulator.images * ranks.processes, train_loss)
    ranks.add_up(accumulator.sums)
    return finite(accumulator.compute(), epoch)
