"""How many images of what size a run learns from, as far as that is known before they are read."""

from dataclasses import dataclass

from contract.checks.capabilities import Capabilities, Folder
from contract.checks.names import alike
from contract.checks.sets import NAMED
from contract.config import (
    FashionMnistMini,
    ImageFolder,
    ImageNet,
    MaskFolder,
    RunConfig,
    SegmentationData,
    Synthetic,
    SyntheticSegmentation,
)


@dataclass(frozen=True, slots=True)
class KnownImages:
    """What is known of a run's images; None: it is not.

    Attributes:
        there: training images in the set.
        test: test images in the set.
        side: height and width that the network is shown in training.
    """

    there: int | None = None
    test: int | None = None
    classes: int | None = None
    channels: int | None = None
    side: int | None = None

    def used(self, config: RunConfig) -> int | None:
        """Training images that the run uses, the probe set included."""
        wanted: int | None = config.data.train_samples
        if wanted is None or self.there is None:
            return self.there if wanted is None else wanted
        return min(wanted, self.there)

    def trained_on(self, config: RunConfig) -> int | None:
        """Training images without those that are held back."""
        used = self.used(config)
        return None if used is None else used - config.neq.probe.held_back(used)


def known_images(config: RunConfig, worker: Capabilities | None) -> KnownImages:
    """What is known of them from the description, and from what the worker says of its folders."""
    data = config.data
    match data:
        case FashionMnistMini():
            return KnownImages(10_000, 2_000, 10, 1, 28)
        case Synthetic() | SyntheticSegmentation():
            return KnownImages(data.train_samples, data.test_samples, data.classes, data.channels, data.size)
        case ImageFolder():
            return _of_folder(folder_of(worker, data.folder), data.test_fraction, data.size, None)
        case MaskFolder():
            return _of_folder(folder_of(worker, data.folder), data.test_fraction, data.crop, data.classes)
    named = NAMED.get(data.kind)
    if named is None:
        return KnownImages()
    side = data.size if isinstance(data, ImageNet) else data.crop if isinstance(data, SegmentationData) else named.side
    return KnownImages(named.train, named.test, named.classes, named.channels, side)


def folder_of(worker: Capabilities | None, name: str) -> Folder | None:
    """What the worker says of the folder of this name, or of the one whose name differs only in how its letters are
    composed; None where it has none, or there is no worker."""
    if worker is None:
        return None
    same = [each for each in worker.folders if alike(each.name) == alike(name)]
    exact = [each for each in same if each.name == name]
    return (exact or same)[0] if exact or len(same) == 1 else None


def _of_folder(folder: Folder | None, test_fraction: float, side: int, classes: int | None) -> KnownImages:
    if folder is None:
        return KnownImages(classes=classes, channels=3, side=side)
    train, test = folder.train, folder.test
    if train and test is None:
        test = max(1, round(test_fraction * train))
        train -= test
    return KnownImages(train or None, test, folder.classes if classes is None else classes, 3, side)
