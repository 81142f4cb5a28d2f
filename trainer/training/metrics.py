"""Loss, accuracy and a task's other metrics over a pass.

Everything is added up on the device and read once, so that no batch waits for the one before.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Metrics(NamedTuple):
    """Means over a pass: cross-entropy in nats, accuracy in 0–1, and further scores in 0–1 by name."""

    loss: float
    accuracy: float
    scores: dict[str, float]


class Metric(Protocol):
    """A score besides loss and accuracy."""

    @property
    def sums(self) -> Sequence[Tensor]:
        """All that it adds up: several processes put their sums together here, in place."""

    def update(self, logits: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Adds one batch: logits (images, classes, …), predicted and true classes (images, …)."""

    def compute(self) -> dict[str, float]:
        """The scores so far, 0–1, by name; waits for the device."""


class MetricAccumulator:
    """Adds up loss and accuracy over the images, or over the pixels that are not ignored, and further metrics."""

    def __init__(
        self, device: torch.device, *, ignore_index: int | None = None, metrics: Sequence[Metric] = ()
    ) -> None:
        exact = torch.float32 if device.type == "mps" else torch.float64  # an Apple GPU has no float64
        self._sums = torch.zeros(3, dtype=exact, device=device)
        self._ignored = ignore_index
        self._metrics = metrics
        self.images = 0

    @property
    def sums(self) -> Sequence[Tensor]:
        """As a metric's, those of its metrics included."""
        return [self._sums, *(tensor for metric in self._metrics for tensor in metric.sums)]

    @torch.no_grad()
    def update(self, loss: Tensor, logits: Tensor, targets: Tensor) -> None:
        """Adds one batch: its mean loss, the network's logits (images, classes, …), the targets."""
        predicted = logits.argmax(dim=1)
        hits = predicted == targets
        if self._ignored is None:
            self._add(loss, hits, targets.numel())
        else:
            counted = targets != self._ignored
            self._add(loss, hits & counted, counted.sum())
        for metric in self._metrics:
            metric.update(logits, predicted, targets)
        self.images += len(targets)

    def _add(self, loss: Tensor, hits: Tensor, count: Tensor | int) -> None:
        self._sums[0] += loss.detach() * count
        self._sums[1] += hits.sum()
        self._sums[2] += count

    def compute(self) -> Metrics:
        """The means so far; waits for the device. They are 0 where there was nothing to count."""
        loss, hits, count = self._sums.tolist()
        count = max(count, 1)
        scores = {name: value for metric in self._metrics for name, value in metric.compute().items()}
        return Metrics(loss / count, hits / count, scores)


class TopKAccuracy:
    """Fraction of the images whose class is among the k with the largest logits."""

    def __init__(self, k: int, device: torch.device) -> None:
        self._k = k
        self._counts = torch.zeros(2, dtype=torch.int64, device=device)

    @property
    def sums(self) -> Sequence[Tensor]:
        """Hits and images."""
        return [self._counts]

    def update(self, logits: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Adds one batch."""
        self._counts[0] += (logits.topk(self._k, dim=1).indices == targets[:, None]).sum()
        self._counts[1] += len(targets)

    def compute(self) -> dict[str, float]:
        """`top5` for k = 5."""
        hits, images = self._counts.tolist()
        return {f"top{self._k}": hits / images}


class ConfusionMatrix:
    """Counts of true and predicted classes, and the mean intersection over union that follows from them."""

    def __init__(self, classes: int, ignore_index: int | None, device: torch.device) -> None:
        self._classes, self._ignored = classes, ignore_index
        self._counts = torch.zeros(classes * classes, dtype=torch.int64, device=device)

    @property
    def sums(self) -> Sequence[Tensor]:
        """The counts."""
        return [self._counts]

    def update(self, logits: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Adds one batch; ignored targets do not count."""
        counted = targets != self._ignored
        places = targets[counted] * self._classes + predicted[counted]
        self._counts += torch.bincount(places, minlength=self._counts.numel())

    def matrix(self) -> Tensor:
        """int64 (true classes, predicted classes)."""
        return self._counts.view(self._classes, self._classes)

    def compute(self) -> dict[str, float]:
        """`miou`: the mean over the classes that occur among targets or predictions; others have no union."""
        matrix = self.matrix().cpu().double()
        both = matrix.diag()
        union = matrix.sum(0) + matrix.sum(1) - both
        there = union > 0
        return {"miou": float((both[there] / union[there]).mean()) if bool(there.any()) else 0.0}
