"""Samples that lie in files: what they are called and what is to be learnt of each, without a pixel read."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import torch
from PIL import Image
from torch import Tensor

from contract.errors import DataDamaged
from trainer.data.datasets.images import TensorImages
from trainer.data.names import Names, as_names, legible, name_of
from trainer.data.reading import head_of, read_image, size_of
from trainer.data.sources.masks import MaskValues, read_mask
from trainer.data.transforms.crops import Transform
from trainer.data.transforms.views import crop_images, crop_masks, frame_of, sizes_of

__all__ = ["ClassFiles", "FileDataset", "MaskFiles", "Names", "as_names", "labels_of", "read_transformed"]


class FileDataset(Protocol):
    """Images in files, with a class or a mask each."""

    @property
    def root(self) -> Path:
        """The data folder."""

    @property
    def names(self) -> Names | tuple[str, ...]:
        """The files' paths below it, one a sample."""

    @property
    def white(self) -> float | None:
        """Of images of more than eight bits, the value that becomes 255."""

    @property
    def stratify_labels(self) -> Tensor:
        """int64 (samples,): the classes to stratify by."""

    def __len__(self) -> int: ...

    def take(self, indices: Tensor) -> Self:
        """Those samples, in that order."""

    def with_white(self, white: float) -> Self:
        """The same, in which this value of deep images becomes 255."""

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a sample's image upright, without decoding it."""

    def image(self, index: int) -> Image.Image:
        """A sample's image, decoded."""

    def mask(self, index: int, size: tuple[int, int]) -> Image.Image | None:
        """A sample's mask, of its image's size (height, width); None where samples have a class each."""


def labels_of(samples: FileDataset, indices: list[int]) -> Tensor:
    """int64 classes of these samples."""
    return samples.stratify_labels[torch.tensor(indices, dtype=torch.int64)]


@dataclass(frozen=True)
class ClassFiles:
    """Images in the data folder `root`, each of one class; of deep ones, `white` is the value that becomes 255."""

    root: Path
    names: Names
    stratify_labels: Tensor
    white: float | None = None

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Tensor) -> Self:
        return replace(self, names=self.names[indices.numpy()], stratify_labels=self.stratify_labels[indices])

    def with_white(self, white: float) -> Self:
        return replace(self, white=white)

    def size(self, index: int) -> tuple[int, int]:
        return size_of(self.root, name_of(self.names[index]))

    def image(self, index: int) -> Image.Image:
        return read_image(self.root, name_of(self.names[index]), self.white)

    def mask(self, index: int, size: tuple[int, int]) -> None:
        return None


@dataclass(frozen=True)
class MaskFiles:
    """Images in the data folder `root`, each with a mask in a file of its own."""

    root: Path
    names: Names
    masks: Names
    values: MaskValues
    white: float | None = None

    @property
    def stratify_labels(self) -> Tensor:
        return torch.zeros(len(self), dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Tensor) -> Self:
        chosen = indices.numpy()
        return replace(self, names=self.names[chosen], masks=self.masks[chosen])

    def with_white(self, white: float) -> Self:
        return replace(self, white=white)

    def size(self, index: int) -> tuple[int, int]:
        return size_of(self.root, name_of(self.names[index]))

    def image(self, index: int) -> Image.Image:
        return read_image(self.root, name_of(self.names[index]), self.white)

    def mask(self, index: int, size: tuple[int, int]) -> Image.Image:
        name = name_of(self.masks[index])
        mask = read_mask(self.root, name, self.values)
        if (mask.height, mask.width) != size:
            self._refuse_size(name, mask, name_of(self.names[index]), size)
        return mask

    def _refuse_size(self, name: str, mask: Image.Image, image: str, size: tuple[int, int]) -> None:
        said = f"The mask {legible(name)} is {mask.width} × {mask.height}, its image {size[1]} × {size[0]} pixels"
        if head_of(self.root, image).sideways and (mask.width, mask.height) == size:
            raise DataDamaged(
                f"{said} once it is turned as its EXIF tag says.",
                f"Save {legible(image)} without an EXIF orientation if the mask was drawn on it as stored, or turn the "
                "mask.",
            )
        raise DataDamaged(f"{said}.", "Give every image a mask of its own size.")


def read_transformed(samples: FileDataset, indices: list[int], transform: Transform, uniforms: Tensor) -> TensorImages:
    """Those samples as the transform shows them, uint8, on the CPU.

    Args:
        uniforms: float64 (indices, transform.uniforms).
    """
    images = [samples.image(index) for index in indices]
    crops = transform.crop_params(sizes_of(images), uniforms)
    frame = frame_of(crops, transform.frame)
    masks = [samples.mask(index, (image.height, image.width)) for index, image in zip(indices, images, strict=True)]
    drawn = [mask for mask in masks if mask is not None]
    labels = crop_masks(drawn, crops, frame) if drawn else labels_of(samples, indices)
    return TensorImages(crop_images(images, crops, frame), labels)
