"""Images made on the spot: a smooth random pattern a class, under noise."""

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from trainer.config import Synthetic
from trainer.data.images import Images

_SEED = 0
"""Fixed, so that runs of different seeds learn from the same images."""


def synthetic(config: Synthetic) -> tuple[Images, Images]:
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


def _noisy(patterns: Tensor, samples: int, noise: float, random: torch.Generator) -> Images:
    labels = torch.arange(samples) % len(patterns)
    pixels = patterns[labels]
    return Images(pixels + noise * torch.randn(pixels.shape, generator=random), labels)
