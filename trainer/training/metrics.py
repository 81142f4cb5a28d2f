"""What a pass over images adds up to: the loss, the accuracy, and whatever else a task is judged by.

Everything is added up on the device and read once, so that no batch waits for the one before.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Score(NamedTuple):
    """Means over a pass: cross-entropy in nats, accuracy in 0–1, and further scores in 0–1 by name."""

    loss: float
    accuracy: float
    scores: dict[str, float]


class Measure(Protocol):
    """One further way to judge answers."""

    def add(self, answers: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Takes in one batch: (images, classes, …), and the classes chosen and meant (images, …)."""

    def scores(self) -> dict[str, float]:
        """The scores so far, 0–1, by name; waits for the device."""


class Tally:
    """Loss and hits over all that counts: images, or the pixels that have a class."""

    def __init__(
        self, device: torch.device, *, ignore_index: int | None = None, measures: Sequence[Measure] = ()
    ) -> None:
        exact = torch.float32 if device.type == "mps" else torch.float64  # an Apple GPU has no float64
        self._sums = torch.zeros(3, dtype=exact, device=device)
        self._ignored = ignore_index
        self._measures = measures
        self.images = 0

    @torch.no_grad()
    def add(self, loss: Tensor, answers: Tensor, targets: Tensor) -> None:
        """Takes in one batch: its mean loss, what the network answered (images, classes, …), what was meant."""
        predicted = answers.argmax(dim=1)
        hits = predicted == targets
        if self._ignored is None:
            self._add(loss, hits, targets.numel())
        else:
            counted = targets != self._ignored
            self._add(loss, hits & counted, counted.sum())
        for measure in self._measures:
            measure.add(answers, predicted, targets)
        self.images += len(targets)

    def _add(self, loss: Tensor, hits: Tensor, count: Tensor | int) -> None:
        self._sums[0] += loss.detach() * count
        self._sums[1] += hits.sum()
        self._sums[2] += count

    def score(self) -> Score:
        """The means so far; waits for the device. Where nothing counted, they are 0."""
        loss, hits, count = self._sums.tolist()
        count = max(count, 1)
        scores = {name: value for measure in self._measures for name, value in measure.scores().items()}
        return Score(loss / count, hits / count, scores)


class TopFive:
    """Share of the images whose class is among the five that were thought likeliest."""

    def __init__(self, device: torch.device) -> None:
        self._hits = torch.zeros((), dtype=torch.int64, device=device)
        self._images = 0

    def add(self, answers: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Takes in one batch."""
        self._hits += (answers.topk(5, dim=1).indices == targets[:, None]).sum()
        self._images += len(targets)

    def scores(self) -> dict[str, float]:
        """`top5`."""
        return {"top5": int(self._hits) / self._images}


class Confusion:
    """How often each class was taken for each other, and the mean intersection over union that follows."""

    def __init__(self, classes: int, ignore_index: int | None, device: torch.device) -> None:
        self._classes, self._ignored = classes, ignore_index
        self._counts = torch.zeros(classes * classes, dtype=torch.int64, device=device)

    def add(self, answers: Tensor, predicted: Tensor, targets: Tensor) -> None:
        """Takes in one batch; targets that are ignored count nowhere."""
        counted = targets != self._ignored
        places = targets[counted] * self._classes + predicted[counted]
        self._counts += torch.bincount(places, minlength=self._counts.numel())

    def matrix(self) -> Tensor:
        """int64 (classes meant, classes chosen)."""
        return self._counts.view(self._classes, self._classes)

    def scores(self) -> dict[str, float]:
        """`miou`: the mean over the classes that were meant or chosen anywhere; others have no union to share."""
        matrix = self.matrix().cpu().double()
        both = matrix.diag()
        union = matrix.sum(0) + matrix.sum(1) - both
        there = union > 0
        return {"miou": float((both[there] / union[there]).mean()) if bool(there.any()) else 0.0}
