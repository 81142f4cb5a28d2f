"""The probe set: which images φ is measured on, and which are left to train on."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from contract.config import FractionProbe, NoiseProbe, Probe, SingleProbe, SplitProbe, TestProbe
from contract.counted import counted
from contract.errors import RunError
from trainer.data.datasets.images import Normalisation, TensorImages
from trainer.data.datasets.split import balanced_draw, probe_split


@dataclass(frozen=True)
class ProbeChoice:
    """Where the probe images come from.

    Attributes:
        train: positions of the training images that are left to train on.
        source: the set that the probe images are taken from; `noise`: none.
        taken: their positions in that set.
    """

    train: Tensor
    source: Literal["train", "test", "noise"]
    taken: Tensor


def choose_probe(probe: Probe, train: Tensor, test: Tensor, seed: int) -> ProbeChoice:
    """The run's choice, fixed by the seed and balanced over the groups of the set it is taken from.

    Args:
        train, test: int64, the group (class) of each training and test image.

    Raises:
        RunError: there are too few images, or none in the place that is asked for.
    """
    every = torch.arange(len(train))
    match probe:
        case SplitProbe() | FractionProbe():
            return ProbeChoice(*_held_back(train, probe.held_back(len(train)), seed))
        case TestProbe(samples=samples):
            if samples > len(test):
                raise RunError(
                    f"{samples} probe images cannot be taken from {len(test)} test images.",
                    f"Set neq.probe.samples to at most {len(test)}.",
                )
            return ProbeChoice(every, "test", balanced_draw(test, samples, seed))
        case NoiseProbe():
            return ProbeChoice(every, "noise", every[:0])
        case SingleProbe(index=index):
            place = _single(index, len(train), seed)
            return ProbeChoice(torch.cat([every[:place], every[place + 1 :]]), "train", every[place : place + 1])


def _held_back(train: Tensor, samples: int, seed: int) -> tuple[Tensor, Literal["train"], Tensor]:
    if samples * 2 > len(train):
        raise RunError(
            f"{counted(samples, 'probe image')} of {len(train):,} {'leaves' if samples == 1 else 'leave'} too few to "
            "train on.",
            f"Set neq.probe.samples to at most {len(train) // 2:,}."
            if len(train) > 1
            else "Put more training images into the set.",
        )
    only = torch.bincount(train)[train] == 1
    if bool(only.any()) and samples < int((~only).sum()):
        # A class with a single image keeps it to be trained on.
        others = (~only).nonzero().flatten()
        rest, taken = probe_split(train[others], samples, seed)
        return torch.cat([others[rest], only.nonzero().flatten()]).sort().values, "train", others[taken]
    rest, taken = probe_split(train, samples, seed)
    return rest, "train", taken


def _single(index: int | None, available: int, seed: int) -> int:
    if index is None:
        return int(torch.randint(available, (), generator=torch.Generator().manual_seed(seed)))
    if index >= available:
        raise RunError(
            f"There is no training image {index}: there are {available}, counted from 0.",
            f"Set neq.probe.index to at most {available - 1}.",
        )
    return index


def noise_images(samples: int, shape: tuple[int, int, int], normalise: Normalisation, seed: int) -> TensorImages:
    """Normal noise that comes out of the normalisation with mean 0 and deviation 1, as the images do; of class 0."""
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(samples, *shape, generator=random)
    pixels = (noise - normalise.shift.cpu()) / normalise.scale.cpu()
    return TensorImages(pixels, torch.zeros(samples, dtype=torch.int64))
