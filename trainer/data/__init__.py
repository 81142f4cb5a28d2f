"""Data sets by the name that a run's description gives them."""

import torch

from trainer.config import FashionMnistMini, RunConfig, Synthetic, SyntheticSegmentation
from trainer.data.bundled import fashion_mnist_mini
from trainer.data.images import Augmentation, ImageData, Images, Normalisation
from trainer.data.split import balanced_first, probe_split
from trainer.data.synthetic import synthetic, synthetic_scenes
from trainer.data.torchvision_sets import augmentation_of, torchvision_images
from trainer.engines.workplace import Workplace
from trainer.errors import RunError

__all__ = ["Augmentation", "ImageData", "Images", "Normalisation", "load_data"]


def load_data(config: RunConfig, workplace: Workplace, device: torch.device) -> ImageData:
    """The run's training, probe and test images on its device.

    Which training images are used is fixed by their number, which of them become the probe set by the seed.

    Raises:
        DataMissing, DataDamaged: the images are not there, or cannot be read.
        RunError: there are too few for the probe set that the run asks for.
    """
    train, test, classes = _sets(config, workplace)
    wanted = config.data.train_samples
    if wanted is not None and wanted < len(train):
        train = train.take(balanced_first(train.labels, wanted))
    samples = config.neq.probe.samples
    if samples * 2 > len(train):
        raise RunError(
            f"{samples} probe images of {len(train)} leave too few to train on.",
            f"Set neq.probe.samples to at most {len(train) // 2}.",
        )
    rest, probe = probe_split(train.labels, samples, config.training.seed)
    normalise = Normalisation.of(train.pixels[rest])
    return ImageData(
        train=train.take(rest).to(device),
        test=test.to(device),
        probe=train.take(probe).to(device),
        classes=classes,
        normalise=normalise.to(device),
        augmentation=_augmentation(config),
        task=config.data.task,
    )


def _sets(config: RunConfig, workplace: Workplace) -> tuple[Images, Images, int]:
    """Training images, test images, number of classes."""
    match config.data:
        case FashionMnistMini():
            return *fashion_mnist_mini(), 10
        case Synthetic() as data:
            return *synthetic(data), data.classes
        case SyntheticSegmentation() as data:
            return *synthetic_scenes(data), data.classes
        case data:
            return *torchvision_images(data, workplace), 10


def _augmentation(config: RunConfig) -> Augmentation | None:
    match config.data:
        case FashionMnistMini() | Synthetic() | SyntheticSegmentation():
            return None
        case data:
            return augmentation_of(data)
