"""Samples that lie in files: what they are called and what is to be learnt of each, without a pixel read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from trainer.data.images import Images
from trainer.data.reading import read_image, read_mask, size_of
from trainer.data.views import frame_of, seen_images, seen_masks, sizes_of
from trainer.data.windows import Recipe
from trainer.errors import DataDamaged

Names = npt.NDArray[np.bytes_]
"""File names in one block of memory, which loaders' processes share; a million Python strings they would copy."""


class Samples(Protocol):
    """Images in files, with a class or a mask each."""

    @property
    def strata(self) -> Tensor:
        """int64 (samples,): the groups that choices are balanced over."""

    def __len__(self) -> int: ...

    def take(self, indices: Tensor) -> Self:
        """Those samples, in that order."""

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of a sample's image, without decoding it."""

    def image(self, index: int) -> Image.Image:
        """A sample's image, decoded."""

    def mask(self, index: int, size: tuple[int, int]) -> Image.Image | None:
        """A sample's mask, of its image's size (height, width); None where samples have a class each."""


def as_names(names: list[str]) -> Names:
    """File names, relative to the data folder, as one array."""
    return np.array([name.encode() for name in names], dtype=np.bytes_)


def labels_of(samples: Samples, indices: list[int]) -> Tensor:
    """int64 classes of these samples."""
    return samples.strata[torch.tensor(indices, dtype=torch.int64)]


@dataclass(frozen=True)
class ClassFiles:
    """Images in the data folder `root`, each of one class."""

    root: Path
    names: Names
    strata: Tensor

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Tensor) -> Self:
        return type(self)(self.root, self.names[indices.numpy()], self.strata[indices])

    def size(self, index: int) -> tuple[int, int]:
        return size_of(self.root, self.names[index].decode())

    def image(self, index: int) -> Image.Image:
        return read_image(self.root, self.names[index].decode())

    def mask(self, index: int, size: tuple[int, int]) -> None:
        return None


@dataclass(frozen=True)
class MaskFiles:
    """Images in the data folder `root`, each with a mask in a file of its own."""

    root: Path
    names: Names
    masks: Names
    classes: int
    unlabelled: int | None = None

    @property
    def strata(self) -> Tensor:
        return torch.zeros(len(self), dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Tensor) -> Self:
        chosen = indices.numpy()
        return type(self)(self.root, self.names[chosen], self.masks[chosen], self.classes, self.unlabelled)

    def size(self, index: int) -> tuple[int, int]:
        return size_of(self.root, self.names[index].decode())

    def image(self, index: int) -> Image.Image:
        return read_image(self.root, self.names[index].decode())

    def mask(self, index: int, size: tuple[int, int]) -> Image.Image:
        name = self.masks[index].decode()
        mask = read_mask(self.root, name, classes=self.classes, unlabelled=self.unlabelled)
        if (mask.height, mask.width) != size:
            raise DataDamaged(
                f"The mask {name} is {mask.width} × {mask.height}, its image {size[1]} × {size[0]} pixels.",
                "Give every image a mask of its own size.",
            )
        return mask


def read_views(samples: Samples, indices: list[int], recipe: Recipe, uniforms: Tensor) -> Images:
    """Those samples as the recipe shows them, uint8, on the CPU.

    Args:
        uniforms: float64 (indices, recipe.uniforms).
    """
    images = [samples.image(index) for index in indices]
    windows = recipe.windows(sizes_of(images), uniforms)
    frame = frame_of(windows, recipe.frame)
    masks = [samples.mask(index, (image.height, image.width)) for index, image in zip(indices, images, strict=True)]
    drawn = [mask for mask in masks if mask is not None]
    labels = seen_masks(drawn, windows, frame) if drawn else labels_of(samples, indices)
    return Images(seen_images(images, windows, frame), labels)
