"""Images as whole tensors on the training device, so that no loader stands between an epoch and its batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from trainer.config import Task

IGNORED = 255
"""Stands in a mask for a pixel of no class: neither loss nor score counts it."""


@dataclass(frozen=True)
class Normalisation:
    """What turns stored pixels into what the network sees: float32 pixels · scale + shift, a channel each."""

    scale: Tensor
    shift: Tensor

    @classmethod
    def of(cls, pixels: Tensor) -> "Normalisation":
        """Mean 0 and standard deviation 1 for every channel of these pixels (images, channels, height, width)."""
        mean, deviation = [], []
        for channel in pixels.unbind(1):
            values = channel.double()
            mean.append(values.mean())
            deviation.append(values.std().clamp_min(1e-6))
        scale = 1 / torch.stack(deviation)
        shift = -torch.stack(mean) * scale
        return cls(scale.float().view(1, -1, 1, 1), shift.float().view(1, -1, 1, 1))

    def to(self, device: torch.device) -> "Normalisation":
        """The same on another device."""
        return Normalisation(self.scale.to(device), self.shift.to(device))

    def __call__(self, pixels: Tensor) -> Tensor:
        return (pixels.float() * self.scale).add_(self.shift)


@dataclass(frozen=True)
class Images:
    """A set of labelled images: pixels (images, channels, height, width), and what is to be learnt of them.

    Labels are int64 (images,), a class an image, or masks uint8 (images, height, width), a class a pixel, in which
    IGNORED is no class.
    """

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> "Images":
        """Those images, in that order."""
        return Images(self.pixels[indices], self.labels[indices])

    def to(self, device: torch.device) -> "Images":
        """The same on another device."""
        return Images(self.pixels.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Augmentation:
    """Random shifts by up to `shift` pixels (black moves in) and, where `mirror`, random left-right flips."""

    shift: int
    mirror: bool

    def __call__(self, pixels: Tensor, random: torch.Generator) -> Tensor:
        """Every image changed on its own.

        Args:
            pixels: (images, channels, height, width), before normalisation, so that black is 0.
            random: on the pixels' device; the only source of chance.
        """
        count, _, height, width = pixels.shape
        device = pixels.device
        reach = 2 * self.shift + 1
        corner = torch.randint(reach, (2, count, 1), generator=random, device=device)
        rows = corner[0] + torch.arange(height, device=device)
        columns = corner[1] + torch.arange(width, device=device)
        if self.mirror:
            flip = torch.rand((count, 1), generator=random, device=device) < 0.5
            columns = torch.where(flip, columns.flip(1), columns)
        image = torch.arange(count, device=device)[:, None, None]
        framed = pad(pixels, (self.shift,) * 4)
        moved = framed.permute(0, 2, 3, 1)[image, rows[:, :, None], columns[:, None, :]]
        return moved.permute(0, 3, 1, 2)


@dataclass(frozen=True)
class ImageData:
    """All that a run learns from and is measured on, on one device. The three sets share no image.

    Attributes:
        task: `classification` gives targets int64 (images,), `segmentation` int64 (images, height, width).
        classes: how many there are; every target is below it, or `ignore_index`.
    """

    train: Images
    test: Images
    probe: Images
    classes: int
    normalise: Normalisation
    augmentation: Augmentation | None = None
    task: Task = "classification"

    @property
    def ignore_index(self) -> int | None:
        """The target of a pixel that counts for nothing; None where every target is a class."""
        return IGNORED if self.task == "segmentation" else None

    @property
    def device(self) -> torch.device:
        """Where batches come out."""
        return self.test.labels.device

    @property
    def channels(self) -> int:
        """Of each image."""
        return self.train.pixels.shape[1]

    @property
    def height(self) -> int:
        """Of each training image in pixels."""
        return self.train.pixels.shape[2]

    @property
    def width(self) -> int:
        """Of each training image in pixels."""
        return self.train.pixels.shape[3]

    @property
    def size(self) -> int:
        """Height of each training image in pixels, and its width where it is square."""
        return self.height

    def training_batches(self, batch_size: int, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch: every training image once, shuffled and augmented anew; (inputs, targets) on the device."""
        order = torch.randperm(len(self.train), generator=random, device=random.device)
        for first, stop in batch_bounds(len(self.train), batch_size):
            batch = self.train.take(order[first:stop])
            pixels = batch.pixels
            if self.augmentation is not None:
                pixels = self.augmentation(pixels, random)
            yield self.normalise(pixels), batch.labels.long()

    def batches(self, images: Images, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """These images in their own order, unaugmented; (inputs, targets) on the device."""
        for first in range(0, len(images), batch_size):
            part = slice(first, first + batch_size)
            yield self.normalise(images.pixels[part]), images.labels[part].long()


def batch_bounds(samples: int, batch_size: int) -> list[tuple[int, int]]:
    """First and stop of each batch; a last batch of a single image joins the one before.

    Batch norm cannot learn from one value a channel, and one image left over would end the run.
    """
    stops = list(range(batch_size, samples, batch_size))
    if batch_size > 1 and stops and samples - stops[-1] == 1:
        stops.pop()
    return list(zip([0, *stops], [*stops, samples], strict=True))
