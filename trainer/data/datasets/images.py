"""Labelled images as a run sees them; small sets as whole tensors, so that no loader stands before a batch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import pad

from contract.config import Task
from contract.data_report import DataFound
from trainer.data.share import ALL, Share

IGNORE_INDEX = 255
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

    @classmethod
    def by(cls, mean: tuple[float, ...], deviation: tuple[float, ...]) -> "Normalisation":
        """Of pixels of 0 – 255 whose mean and standard deviation are given as fractions of 255, a channel each."""
        scale = 1 / (torch.tensor(deviation, dtype=torch.float64) * 255)
        shift = -torch.tensor(mean, dtype=torch.float64) * 255 * scale
        return cls(scale.float().view(1, -1, 1, 1), shift.float().view(1, -1, 1, 1))

    def __call__(self, pixels: Tensor) -> Tensor:
        return (pixels.float() * self.scale).add_(self.shift)


@dataclass(frozen=True)
class Augmentation:
    """Random shifts by up to `shift` pixels (black moves in) and, where `mirror`, random left-right flips."""

    shift: int
    mirror: bool

    def __call__(
        self, pixels: Tensor, random: torch.Generator, *, of: int | None = None, mine: slice = slice(None)
    ) -> Tensor:
        """Every image changed on its own.

        Args:
            pixels: (images, channels, height, width), before normalisation, so that black is 0.
            random: on the pixels' device; the only source of chance.
            of: images for which numbers are drawn, of which `mine` are these; None: these are all.
        """
        count, _, height, width = pixels.shape
        device, drawn = pixels.device, count if of is None else of
        reach = 2 * self.shift + 1
        corner = torch.randint(reach, (2, drawn), generator=random, device=device)[:, mine]
        framed = pad(pixels, (self.shift,) * 4)
        # Every place that a crop can have, as a view: choosing among them copies whole crops, two to four times
        # as fast as choosing pixel by pixel.
        places = framed.unfold(2, height, 1).unfold(3, width, 1)
        moved = places[torch.arange(count, device=device), :, corner[0], corner[1]]
        if not self.mirror:
            return moved
        flip = torch.rand((drawn, 1, 1, 1), generator=random, device=device)[mine] < 0.5
        return torch.where(flip, moved.flip(3), moved)


@dataclass(frozen=True)
class TensorImages:
    """A set of labelled images as whole tensors: pixels (images, channels, height, width), and what is learnt of them.

    Labels are int64 (images,), a class an image, or masks uint8 (images, height, width), a class a pixel, in which
    IGNORE_INDEX is no class. `augmentation` varies the images in training; None leaves them as they are.
    """

    pixels: Tensor
    labels: Tensor
    augmentation: Augmentation | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of each image."""
        channels, height, width = self.pixels.shape[1:]
        return channels, height, width

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.labels.device

    @property
    def stratify_labels(self) -> Tensor:
        """int64 (images,): the classes to stratify by; images with masks are all of one."""
        return self.labels.cpu() if self.labels.dim() == 1 else torch.zeros(len(self), dtype=torch.int64)

    def take(self, indices: Tensor) -> "TensorImages":
        """Those images, in that order."""
        return replace(self, pixels=self.pixels[indices], labels=self.labels[indices])

    def to(self, device: torch.device) -> "TensorImages":
        """The same on another device."""
        return replace(self, pixels=self.pixels.to(device), labels=self.labels.to(device))

    def pin_memory(self) -> "TensorImages":
        """The same where a GPU can fetch it by itself; torch's loader calls it."""
        return replace(self, pixels=self.pixels.pin_memory(), labels=self.labels.pin_memory())

    def shuffled(self, batch_size: int, random: torch.Generator, share: Share = ALL) -> Iterator["TensorImages"]:
        """See ImageSet."""
        order = torch.randperm(len(self), generator=random, device=random.device)
        for first, stop in batch_bounds(len(self), batch_size, share.processes):
            mine = share.of(stop - first)
            batch = self.take(order[first:stop][mine])
            if self.augmentation is None:
                yield TensorImages(batch.pixels, batch.labels)
            else:
                yield TensorImages(self.augmentation(batch.pixels, random, of=stop - first, mine=mine), batch.labels)

    def in_order(self, batch_size: int, share: Share = ALL) -> Iterator["TensorImages"]:
        """See ImageSet."""
        for part in parts_in_order(len(self), batch_size, share):
            yield TensorImages(self.pixels[part], self.labels[part])


class ImageSet(Protocol):
    """Labelled images, wherever they wait: on the training device or in files."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of each image in training."""

    @property
    def device(self) -> torch.device:
        """Where batches come out."""

    def __len__(self) -> int: ...

    def shuffled(self, batch_size: int, random: torch.Generator, share: Share = ALL) -> Iterator[TensorImages]:
        """One epoch in batches, pixels as stored: every image once, shuffled and varied anew.

        Args:
            random: on the set's device; the only source of chance. Its state at the start decides the whole epoch, and
                is the same at the end whatever the share.
            share: of each batch that comes out; the batches are the same for all processes.
        """

    def in_order(self, batch_size: int, share: Share = ALL) -> Iterator[TensorImages]:
        """The images in their own order and as testing shows them, in batches, pixels as stored; of several processes
        each takes its share of the set.

        Images with masks may differ in size from batch to batch; within one, smaller ones are filled up, masks with
        IGNORE_INDEX.
        """


@dataclass(frozen=True)
class ImageData:
    """All that a run learns from and is measured on; batches come out on one device. The sets share no image, but for
    a probe set that is drawn from the test set.

    Attributes:
        task: `classification` gives targets int64 (images,), `segmentation` int64 (images, height, width).
        classes: how many there are; every target is below it, or `ignore_index`.
        found: what was found in the data, for people to look at.
        share: what of each batch, and of the sets that are gone through in order, comes out for this process.
    """

    train: ImageSet
    test: ImageSet
    probe: ImageSet
    classes: int
    normalise: Normalisation
    task: Task = "classification"
    found: DataFound | None = None
    share: Share = ALL

    @property
    def ignore_index(self) -> int | None:
        """The target of a pixel that counts for nothing; None where every target is a class."""
        return IGNORE_INDEX if self.task == "segmentation" else None

    @property
    def device(self) -> torch.device:
        """Where batches come out."""
        return self.train.device

    @property
    def channels(self) -> int:
        """Of each image."""
        return self.train.shape[0]

    @property
    def height(self) -> int:
        """Of each training image in pixels."""
        return self.train.shape[1]

    @property
    def width(self) -> int:
        """Of each training image in pixels."""
        return self.train.shape[2]

    @property
    def size(self) -> int:
        """Height of each training image in pixels, and its width where it is square."""
        return self.height

    def training_bounds(self, batch_size: int) -> list[tuple[int, int]]:
        """First and stop of each batch of an epoch, of all processes together."""
        return batch_bounds(len(self.train), batch_size, self.share.processes)

    def training_batches(self, batch_size: int, random: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch: every training image once, shuffled and augmented anew; (inputs, targets) on the device.

        Of several processes each gets its share of each batch.

        The state of `random` at the start decides all of it, however many processes read the files.
        """
        for batch in self.train.shuffled(batch_size, random, self.share):
            yield self.normalise(batch.pixels), batch.labels.long()

    def batch_count(self, images: ImageSet, batch_size: int) -> int:
        """How many batches `batches` gives."""
        return len(parts_in_order(len(images), batch_size, self.share))

    def batches(self, images: ImageSet, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """These images, or this process's share of them, in their own order, unaugmented; (inputs, targets) on the
        device."""
        for batch in images.in_order(batch_size, self.share):
            yield self.normalise(batch.pixels), batch.labels.long()


def batch_bounds(samples: int, batch_size: int, processes: int = 1) -> list[tuple[int, int]]:
    """First and stop of each batch; a last batch that leaves a process with a single image joins the one before.

    Batch norm cannot learn from one value a channel, and one image left over would end the run.
    """
    stops = list(range(batch_size, samples, batch_size))
    if stops and samples - stops[-1] < min(batch_size, 2 * processes):
        stops.pop()
    return list(zip([0, *stops], [*stops, samples], strict=True))


def parts_in_order(samples: int, batch_size: int, share: Share) -> list[slice]:
    """The batches of a process's share of a set that is gone through in order."""
    mine = share.of(samples)
    return [slice(first, min(first + batch_size, mine.stop)) for first in range(mine.start, mine.stop, batch_size)]
