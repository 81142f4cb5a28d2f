"""Data sets by the name that a run's description gives them."""

from typing import TypeVar

import torch

from trainer.config import (
    FashionMnistMini,
    FileData,
    NoiseProbe,
    RunConfig,
    Synthetic,
    SyntheticSegmentation,
    TorchvisionData,
)
from trainer.data.bundled import fashion_mnist_mini
from trainer.data.files import NORMALISE, fed, file_sets
from trainer.data.images import Augmentation, ImageData, Images, ImageSet, Normalisation
from trainer.data.own import OwnSets, own_sets
from trainer.data.probe import choose_probe, noise_images
from trainer.data.samples import Samples
from trainer.data.split import balanced_first
from trainer.data.synthetic import synthetic, synthetic_scenes
from trainer.data.torchvision_sets import TorchvisionConfig, torchvision_images
from trainer.engines.workplace import Workplace
from trainer.own import OwnData

__all__ = ["Augmentation", "ImageData", "ImageSet", "Images", "Normalisation", "OwnSets", "load_data"]

Source = TypeVar("Source", Images, Samples)
ArrayConfig = FashionMnistMini | TorchvisionConfig | Synthetic | SyntheticSegmentation | OwnData


def load_data(config: RunConfig, workplace: Workplace, device: torch.device) -> ImageData:
    """The run's training, test and probe images; batches come out on its device.

    Which training images are used is fixed by their number, which of them become the probe set by the seed.

    Raises:
        DataMissing, DataDamaged: the images are not there, or cannot be read.
        RunError: they are not what the run takes them for, or too few for its probe set.
    """
    sets: list[ImageSet]
    if isinstance(config.data, FileData):
        files, normalise = file_sets(config.data, workplace), NORMALISE
        sets, classes = fed(files, _parts(config, files.train, files.test), config.data.feed, device), files.classes
    else:
        train, test, classes, known = _arrays(config.data, workplace)
        images = _parts(config, train, test)
        normalise = known or Normalisation.of(images[0].pixels)
        sets = [part.to(device) for part in images]
    if isinstance(config.neq.probe, NoiseProbe):
        noise = noise_images(config.neq.probe.samples, sets[0].shape, normalise, config.training.seed)
        sets.append(noise.to(device))
    train_set, test_set, probe_set = sets
    return ImageData(train_set, test_set, probe_set, classes, normalise.to(device), task=config.data.task)


def _parts(config: RunConfig, train: Source, test: Source) -> list[Source]:
    """What is trained on, what is tested on and, where it is taken from either, the probe set."""
    wanted = config.data.train_samples
    if wanted is not None and wanted < len(train):
        train = train.take(balanced_first(train.strata, wanted))
    choice = choose_probe(config.neq.probe, train.strata, test.strata, config.training.seed)
    parts = [train.take(choice.train), _looked_at(config, test)]
    if choice.source != "noise":
        parts.append((train if choice.source == "train" else test).take(choice.taken))
    return parts


def _looked_at(config: RunConfig, test: Source) -> Source:
    """The test images that each epoch is judged by."""
    wanted = config.data.test_samples if isinstance(config.data, TorchvisionData | FileData) else None
    return test if wanted is None or wanted >= len(test) else test.take(balanced_first(test.strata, wanted))


def _arrays(config: ArrayConfig, workplace: Workplace) -> tuple[Images, Images, int, Normalisation | None]:
    """Training images, test images, number of classes, and constants to normalise by where a set has its own."""
    match config:
        case FashionMnistMini():
            return *fashion_mnist_mini(), 10, None
        case Synthetic():
            return *synthetic(config), config.classes, None
        case SyntheticSegmentation():
            return *synthetic_scenes(config), config.classes, None
        case OwnData():
            sets = own_sets(config, workplace)
            train, test = Images(sets.train_pixels, sets.train_labels), Images(sets.test_pixels, sets.test_labels)
            return train, test, sets.classes, None
        case _:
            return torchvision_images(config, workplace)
