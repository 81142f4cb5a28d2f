"""The fast way for files that fit: decoded once, kept on the training device, varied there a batch at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from trainer.data.datasets.file_dataset import FileDataset, labels_of, read_transformed
from trainer.data.datasets.images import IGNORE_INDEX, TensorImages, batch_bounds, parts_in_order
from trainer.data.share import ALL, Share
from trainer.data.together import read_together
from trainer.data.transforms.crops import CropParams, Transform
from trainer.data.transforms.views import resampled_images, resampled_masks

_READ_TOGETHER = 32
"""Images of one size that a thread decodes before it hands them over."""

Stack = Tensor | tuple[Tensor, ...]
"""Images of one size as one tensor, of several sizes as one tensor each."""


@dataclass(frozen=True)
class InMemoryDataset:
    """Decoded images of any sizes on the training device, uint8.

    Attributes:
        pixels: (channels, height, width) each.
        labels: int64 (images,), or a mask uint8 (height, width) each.
        shape: channels, height and width of what training shows.
        transform: what training shows of them; None: they are as they are to be seen.
    """

    pixels: Stack
    labels: Stack
    shape: tuple[int, int, int]
    transform: Transform | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def device(self) -> torch.device:
        return self.pixels[0].device

    @cached_property
    def _sizes(self) -> Tensor:
        """int64 (images, 2), heights and widths, on the device."""
        if isinstance(self.pixels, Tensor):
            return torch.tensor(self.pixels.shape[-2:]).to(self.device).expand(len(self), -1)
        return torch.tensor([each.shape[-2:] for each in self.pixels]).to(self.device)

    def shuffled(self, batch_size: int, random: torch.Generator, share: Share = ALL) -> Iterator[TensorImages]:
        """See ImageSet. The host waits for the device once an epoch, for the order."""
        there = torch.randperm(len(self), generator=random, device=random.device)
        order = there.cpu()
        for first, stop in batch_bounds(len(self), batch_size, share.processes):
            yield self._varied(order[first:stop], there[first:stop], random, share.of(stop - first))

    def in_order(self, batch_size: int, share: Share = ALL) -> Iterator[TensorImages]:
        """See ImageSet."""
        order = torch.arange(len(self))
        there = order.to(self.device)
        for part in parts_in_order(len(self), batch_size, share):
            yield self._stacked(order[part], there[part])

    def _varied(self, chosen: Tensor, there: Tensor, random: torch.Generator, mine: slice) -> TensorImages:
        """A process's own of the images of a batch, varied as all of them are."""
        batch = self._stacked(chosen[mine], there[mine])
        if self.transform is None:
            return batch
        sizes = self._sizes[there]
        crops = _crop_params(self.transform, sizes, random, mine)
        sizes = sizes[mine]
        frame = self.shape[1:]
        pixels = resampled_images(batch.pixels, sizes, crops, frame)
        return TensorImages(
            pixels, batch.labels if batch.labels.dim() == 1 else resampled_masks(batch.labels, crops, frame)
        )

    def _stacked(self, chosen: Tensor, there: Tensor) -> TensorImages:
        """Those images in one tensor, smaller ones filled up.

        Args:
            chosen: their indices on the CPU.
            there: the same on the device.
        """
        return TensorImages(_stack(self.pixels, chosen, there, 0), _stack(self.labels, chosen, there, IGNORE_INDEX))


def _crop_params(transform: Transform, sizes: Tensor, random: torch.Generator, mine: slice = slice(None)) -> CropParams:
    """What is seen of images of these sizes, on their device. One without float64 has the CPU work it out.

    Args:
        mine: of which of them it is told; random numbers are drawn for all.
    """
    device = sizes.device
    if _has_float64(device):
        uniforms = torch.rand(len(sizes), transform.uniforms, generator=random, device=device, dtype=torch.float64)
        return transform.crop_params(sizes[mine], uniforms[mine])
    uniforms = torch.rand(len(sizes), transform.uniforms, generator=random, device=device)
    crops = transform.crop_params(sizes[mine].cpu(), uniforms[mine].cpu().double())
    return replace(crops, start=crops.start.float(), step=crops.step.float()).to(device)


def _has_float64(device: torch.device) -> bool:
    return device.type != "mps"


def decoded_dataset(
    samples: FileDataset, transform: Transform, shape: tuple[int, int, int], device: torch.device
) -> InMemoryDataset:
    """All samples decoded, each in its own size, to be seen by the transform.

    Raises:
        DataDamaged: some of them cannot be decoded.
    """

    def decoded(index: int) -> tuple[Tensor, Tensor | None]:
        image = samples.image(index)
        mask = samples.mask(index, (image.height, image.width))
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()
        return pixels.to(device), None if mask is None else torch.from_numpy(np.array(mask)).to(device)

    read = read_together(decoded, range(len(samples)))
    masks = [mask for _, mask in read if mask is not None]
    labels = _together(masks) if masks else labels_of(samples, list(range(len(samples)))).to(device)
    return InMemoryDataset(_together([pixels for pixels, _ in read]), labels, shape, transform)


def resized_dataset(
    samples: FileDataset, transform: Transform, shape: tuple[int, int, int], device: torch.device
) -> InMemoryDataset:
    """All samples decoded as the transform shows them, which takes no random numbers.

    Raises:
        DataDamaged: some of them cannot be decoded.
    """
    together = 1 if transform.frame is None else _READ_TOGETHER
    portions = [list(range(first, min(first + together, len(samples)))) for first in range(0, len(samples), together)]

    def shown(portion: int) -> TensorImages:
        indices = portions[portion]
        nothing = torch.zeros(len(indices), transform.uniforms, dtype=torch.float64)
        return read_transformed(samples, indices, transform, nothing).to(device)

    read = read_together(shown, range(len(portions)))
    if transform.frame is None:  # segmentation tests whole images, one at a time, of sizes of their own
        masks = _together([view.labels[0] for view in read])
        return InMemoryDataset(_together([view.pixels[0] for view in read]), masks, shape)
    return InMemoryDataset(torch.cat([view.pixels for view in read]), torch.cat([view.labels for view in read]), shape)


def _together(parts: Sequence[Tensor]) -> Stack:
    return torch.stack(list(parts)) if len({part.shape for part in parts}) == 1 else tuple(parts)


def _stack(stack: Stack, chosen: Tensor, there: Tensor, filling: int) -> Tensor:
    """Those of the stack in one tensor, smaller ones filled up on the right and below to the largest of them."""
    if isinstance(stack, Tensor):
        return stack[there]
    parts = [stack[index] for index in chosen.tolist()]
    height, width = (max(part.shape[axis] for part in parts) for axis in (-2, -1))
    return torch.stack(
        [pad(part, (0, width - part.shape[-1], 0, height - part.shape[-2]), value=filling) for part in parts]
    )
