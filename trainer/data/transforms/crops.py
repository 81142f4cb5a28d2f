"""Which part of an image is seen, and how large: the geometry of augmentation and of testing.

A transform turns uniform random numbers and the images' sizes into crops. What a crop shows is made elsewhere
(`views.py`), from files in a loader's process or from tensors on the training device, by the same geometry.
"""

from dataclasses import dataclass
from math import log
from typing import Protocol

import torch
from torch import Tensor

Frame = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True)
class CropParams:
    """What is seen of each of n images.

    Attributes:
        start: float64 (n, 2), top and left edge, in the image's own pixels.
        step: float64 (n, 2), height and width of a seen pixel, in the image's own pixels.
        seen: int64 (n, 2), rows and columns that are seen; the rest of a frame lies outside the image.
        mirrored: bool (n,), whether left and right change places within what is seen.
    """

    start: Tensor
    step: Tensor
    seen: Tensor
    mirrored: Tensor

    def to(self, device: torch.device) -> "CropParams":
        """The same on another device."""
        return CropParams(self.start.to(device), self.step.to(device), self.seen.to(device), self.mirrored.to(device))


class Transform(Protocol):
    """How images are brought to what a network sees."""

    @property
    def uniforms(self) -> int:
        """Random numbers that each image takes."""

    @property
    def frame(self) -> Frame | None:
        """What all crops are filled up to; None: as large as the largest of a batch."""

    def crop_params(self, sizes: Tensor, uniforms: Tensor) -> CropParams:
        """The crops of images of these sizes.

        Args:
            sizes: int64 (n, 2), heights and widths.
            uniforms: float64 (n, self.uniforms), in [0, 1).
        """


@dataclass(frozen=True)
class ResizeCenterCrop:
    """The image scaled so that its shorter side is `resize`, and the middle `side` × `side` of it."""

    resize: int
    side: int
    uniforms: int = 0

    @property
    def frame(self) -> Frame:
        """The square."""
        return self.side, self.side

    def crop_params(self, sizes: Tensor, uniforms: Tensor) -> CropParams:
        """As torchvision's Resize and CenterCrop, in one go."""
        scaled = _scaled(sizes, torch.full_like(sizes[:, 0], self.resize))
        step = sizes / scaled.double()
        corner = ((scaled - self.side) / 2).round()
        return CropParams(corner * step, step, torch.full_like(sizes, self.side), _unmirrored(sizes))


@dataclass(frozen=True)
class Resize:
    """The whole image, scaled so that its shorter side is `resize`."""

    resize: int
    uniforms: int = 0
    frame: Frame | None = None

    def crop_params(self, sizes: Tensor, uniforms: Tensor) -> CropParams:
        """As torchvision's Resize."""
        scaled = _scaled(sizes, torch.full_like(sizes[:, 0], self.resize))
        step = sizes / scaled.double()
        return CropParams(torch.zeros_like(step), step, scaled, _unmirrored(sizes))


@dataclass(frozen=True)
class RandomResizedCrop:
    """8 – 100 % of the image's area at 3:4 to 4:3, scaled to `side` × `side`, mirrored or not.

    Ten tries are drawn; where none lies within the image, its middle is taken. As torchvision's RandomResizedCrop.
    """

    side: int
    mirror: bool = True
    tries: int = 10
    smallest: float = 0.08

    @property
    def uniforms(self) -> int:
        """An area and a shape for each try, a place, and whether to mirror."""
        return 2 * self.tries + 3

    @property
    def frame(self) -> Frame:
        """The square."""
        return self.side, self.side

    def crop_params(self, sizes: Tensor, uniforms: Tensor) -> CropParams:
        """See the class."""
        areas, shapes, rest = uniforms.split([self.tries, self.tries, 3], dim=1)
        area = sizes.prod(dim=1, keepdim=True) * (self.smallest + (1 - self.smallest) * areas)
        ratio = torch.exp((2 * shapes - 1) * log(4 / 3))
        tried = torch.stack([(area / ratio).sqrt().round(), (area * ratio).sqrt().round()], dim=2)
        fits = ((tried > 0) & (tried <= sizes.unsqueeze(1))).all(dim=2)
        first = fits.int().argmax(dim=1)
        chosen = tried[torch.arange(len(sizes), device=sizes.device), first]
        start = (rest[:, :2] * (sizes - chosen + 1)).floor()
        none = ~fits.any(dim=1, keepdim=True)
        middle = _nearest_shape(sizes)
        chosen = torch.where(none, middle, chosen)
        start = torch.where(none, ((sizes - middle) / 2).floor(), start)
        mirrored = (rest[:, 2] < 0.5) & self.mirror
        return CropParams(start, chosen / self.side, torch.full_like(sizes, self.side), mirrored)


@dataclass(frozen=True)
class RandomScaleCrop:
    """The image at 0.5 – 2 times `resize` (its shorter side), a square of `crop` cut out of it, mirrored or not.

    What is smaller than the square is filled up on the right and below. As torchvision's reference for segmentation.
    """

    resize: int
    crop: int
    uniforms: int = 4

    @property
    def frame(self) -> Frame:
        """The square."""
        return self.crop, self.crop

    def crop_params(self, sizes: Tensor, uniforms: Tensor) -> CropParams:
        """See the class."""
        low, high = int(0.5 * self.resize), int(2.0 * self.resize)
        shorter = (low + uniforms[:, 0] * (high - low + 1)).floor().long()
        scaled = _scaled(sizes, shorter)
        room = (scaled - self.crop).clamp_min(0)
        corner = (uniforms[:, 1:3] * (room + 1)).floor()
        step = sizes / scaled.double()
        return CropParams(corner * step, step, scaled.clamp_max(self.crop), uniforms[:, 3] < 0.5)


def _scaled(sizes: Tensor, shorter: Tensor) -> Tensor:
    """Sizes once the shorter sides are these; the longer ones are rounded down, as torchvision does."""
    short = sizes.amin(dim=1, keepdim=True)
    return torch.where(sizes == short, shorter.unsqueeze(1), shorter.unsqueeze(1) * sizes // short)


def _nearest_shape(sizes: Tensor) -> Tensor:
    """The largest part of each image whose width is 3/4 to 4/3 of its height, float64."""
    height, width = sizes.double().unbind(dim=1)
    return torch.stack(
        [torch.minimum(height, (width / (3 / 4)).round()), torch.minimum(width, (height * (4 / 3)).round())], dim=1
    )


def _unmirrored(sizes: Tensor) -> Tensor:
    return torch.zeros(len(sizes), dtype=torch.bool, device=sizes.device)
