"""Images made on the spot: a smooth random pattern a class, or coloured ellipses, under noise."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from contract.config import Synthetic, SyntheticSegmentation
from trainer.data.datasets.images import IGNORE_INDEX, TensorImages

_SEED = 0
"""Fixed, so that runs of different seeds learn from the same images."""


def synthetic(config: Synthetic) -> tuple[TensorImages, TensorImages]:
    """Training and test images, float32, their classes balanced; the same every time.

    A pattern is a 4 × 4 grid of normal values, drawn large, with mean 0 and standard deviation 1; an image is its
    class's pattern and normal noise of standard deviation `config.noise`.
    """
    random = torch.Generator().manual_seed(_SEED)
    coarse = torch.randn(config.classes, config.channels, 4, 4, generator=random)
    patterns = interpolate(coarse, size=(config.size, config.size), mode="bilinear", align_corners=False)
    patterns = patterns - patterns.mean(dim=(1, 2, 3), keepdim=True)
    patterns = patterns / patterns.std(dim=(1, 2, 3), keepdim=True)
    return tuple(  # type: ignore[return-value]
        _noisy(patterns, samples, config.noise, random) for samples in (config.train_samples, config.test_samples)
    )


def _noisy(patterns: Tensor, samples: int, noise: float, random: torch.Generator) -> TensorImages:
    labels = torch.arange(samples) % len(patterns)
    pixels = patterns[labels]
    return TensorImages(pixels + noise * torch.randn(pixels.shape, generator=random), labels)


_ELLIPSES = 3
"""On each image; later ones cover earlier ones."""


def synthetic_segmentation(config: SyntheticSegmentation) -> tuple[TensorImages, TensorImages]:
    """Training and test images, float32, with their masks; the same every time.

    Class 0 is the ground. Every class has a colour of normal values. The rim of an ellipse, a tenth of its radius, is
    IGNORE_INDEX, as outlines are in hand-made masks.
    """
    random = torch.Generator().manual_seed(_SEED)
    colours = torch.randn(config.classes, config.channels, generator=random)
    return tuple(  # type: ignore[return-value]
        _samples(config, colours, samples, random) for samples in (config.train_samples, config.test_samples)
    )


def _samples(config: SyntheticSegmentation, colours: Tensor, samples: int, random: torch.Generator) -> TensorImages:
    size = config.size
    classes = torch.zeros(samples, size, size, dtype=torch.int64)
    masks = classes.clone()
    across = torch.arange(size) + 0.5
    for _ in range(_ELLIPSES):
        centre = torch.rand(2, samples, 1, generator=random) * size
        radius = (0.12 + 0.2 * torch.rand(2, samples, 1, generator=random)) * size
        kind = torch.randint(1, config.classes, (samples, 1, 1), generator=random)
        squares = ((across - centre) / radius) ** 2
        distance = squares[0].unsqueeze(2) + squares[1].unsqueeze(1)
        classes = torch.where(distance < 1, kind, classes)
        masks = torch.where(distance < 1, torch.where(distance < 0.81, kind, IGNORE_INDEX), masks)
    pixels = colours[classes].permute(0, 3, 1, 2)
    noise = config.noise * torch.randn(pixels.shape, generator=random)
    return TensorImages(pixels + noise, masks.to(torch.uint8))
