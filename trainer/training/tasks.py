"""Classification and segmentation: losses, and the metrics that a network is scored by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from contract.config import RunConfig
from trainer.data import ImageData
from trainer.training.metrics import ConfusionMatrix, Metric, MetricAccumulator, TopKAccuracy

SEGMENTATION_AUXILIARY = 0.5
"""As torchvision's reference training and the paper's runs weigh it."""
CLASSIFICATION_AUXILIARY = {2: 0.4, 3: 0.3}
"""By the number of heads: Inception v3 (arXiv:1512.00567) has two, GoogLeNet (1409.4842) three."""


class Task(Protocol):
    """The loss that training minimizes, and the metrics of a pass."""

    def training_loss(self, outputs: object, targets: Tensor) -> Tensor:
        """The mean loss of a batch, auxiliary heads and label smoothing included."""

    def counted(self, targets: Tensor) -> Tensor | int:
        """Over how many images or pixels that loss is the mean; a tensor where it depends on the targets."""

    def test_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean cross-entropy of a batch, in nats."""

    def accumulator(self, device: torch.device, *, whole: bool) -> MetricAccumulator:
        """Adds up the batches of a pass; `whole`: with all scores, else loss and accuracy alone."""


@dataclass(frozen=True, slots=True)
class Classification:
    """A class for every image: `accuracy` is the fraction met, `top5` (from six classes on) that among five guesses."""

    classes: int
    label_smoothing: float = 0.0

    def training_loss(self, outputs: object, targets: Tensor) -> Tensor:
        """The cross-entropy, and that of auxiliary heads with their own weights."""
        first, *others = logits_in(outputs)
        loss = cross_entropy(first, targets, label_smoothing=self.label_smoothing)
        for logits in others:
            weight = CLASSIFICATION_AUXILIARY[1 + len(others)]
            loss = loss + weight * cross_entropy(logits, targets, label_smoothing=self.label_smoothing)
        return loss

    def counted(self, targets: Tensor) -> int:
        """All images."""
        return len(targets)

    def test_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The cross-entropy alone."""
        return cross_entropy(logits, targets)

    def accumulator(self, device: torch.device, *, whole: bool) -> MetricAccumulator:
        """With `top5` where five guesses are not nearly all."""
        return MetricAccumulator(device, metrics=[TopKAccuracy(5, device)] if whole and self.classes > 5 else [])


@dataclass(frozen=True, slots=True)
class Segmentation:
    """A class for every pixel but the ignored: `accuracy` is the fraction met; `miou` see `ConfusionMatrix`."""

    classes: int
    ignore_index: int | None
    label_smoothing: float = 0.0

    def training_loss(self, outputs: object, targets: Tensor) -> Tensor:
        """The cross-entropy over pixels, and half that of the auxiliary head where there is one."""
        first, *others = logits_in(outputs)
        loss = self._over_pixels(first, targets, self.label_smoothing)
        for logits in others:
            loss = loss + SEGMENTATION_AUXILIARY * self._over_pixels(logits, targets, self.label_smoothing)
        return loss

    def counted(self, targets: Tensor) -> Tensor:
        """The pixels that are not ignored."""
        return targets.ne(self._ignored).sum()

    def test_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The cross-entropy over pixels alone."""
        return self._over_pixels(logits, targets, 0.0)

    @property
    def _ignored(self) -> int:
        return -100 if self.ignore_index is None else self.ignore_index

    def _over_pixels(self, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """The mean over pixels that count; 0 where a batch has none, of which a plain mean makes NaN."""
        ignored = self._ignored
        if logits.device.type != "cpu" and torch.are_deterministic_algorithms_enabled():
            # Torch refuses the loss of images then, and takes that of rows: here one for each pixel.
            logits, targets = logits.movedim(1, -1).flatten(0, -2), targets.flatten()
        total = cross_entropy(logits, targets, ignore_index=ignored, label_smoothing=smoothing, reduction="sum")
        return total / (targets != ignored).sum().clamp_min(1)

    def accumulator(self, device: torch.device, *, whole: bool) -> MetricAccumulator:
        """With `miou`."""
        metrics: Sequence[Metric] = [ConfusionMatrix(self.classes, self.ignore_index, device)] if whole else []
        return MetricAccumulator(device, ignore_index=self.ignore_index, metrics=metrics)


def build_task(config: RunConfig, data: ImageData) -> Task:
    """The task that the data pose, with the label smoothing of the description."""
    smoothing = config.training.label_smoothing
    if data.task == "segmentation":
        return Segmentation(data.classes, data.ignore_index, smoothing)
    return Classification(data.classes, smoothing)


def logits_in(outputs: object) -> list[Tensor]:
    """The network's logits, then those of its auxiliary heads.

    Args:
        outputs: a tensor; a tuple whose first member is the main head's (Inception, GoogLeNet), where None stands for
            an unused head; or a mapping with `out` and perhaps `aux` (segmentation).

    Raises:
        TypeError: none of these.
    """
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, Mapping) and "out" in outputs:
        return [outputs["out"], *([outputs["aux"]] if "aux" in outputs else [])]
    if isinstance(outputs, tuple) and outputs and isinstance(outputs[0], Tensor):
        return [logits for logits in outputs if logits is not None]
    raise TypeError(f"the network answers with a {type(outputs).__name__}: a tensor of (images, classes, …) is needed")
