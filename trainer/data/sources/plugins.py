"""Data sets of other people's."""

from dataclasses import dataclass
from hashlib import blake2b

import torch
from torch import Tensor

from contract.errors import RunError
from contract.plugins import DatasetPlugin
from trainer.builders import builder_of
from trainer.data.datasets.images import IGNORE_INDEX
from trainer.data.inspection.copies import evenly
from trainer.engines.environment import Workplace

MOST_SEARCHED = 10_000
"""Images of a part that are compared with those of the other."""


@dataclass(frozen=True)
class DatasetSplits:
    """What a builder of a data set gives.

    Attributes:
        train_pixels, test_pixels: (images, channels, height, width), uint8 or float32.
        train_labels, test_labels: int64 (images,), a class an image; for segmentation uint8 (images, height, width), a
            class a pixel, where 255 is none.
        classes: how many there are; labels count from 0.
        class_names: one for each class, which the run's page shows; None: they have numbers alone.
    """

    train_pixels: Tensor
    train_labels: Tensor
    test_pixels: Tensor
    test_labels: Tensor
    classes: int
    class_names: tuple[str, ...] | None = None


def build_plugin_dataset(config: DatasetPlugin, workplace: Workplace) -> DatasetSplits:
    """What the description's builder gives, looked through.

    Raises:
        RunError: the builder cannot be loaded, or gives something else than it must.
    """
    sets = builder_of(config)(config, workplace.data_root)
    wrong = _wrong(config, sets)
    if wrong:
        raise RunError(
            f"The builder of {config.kind}, {config.builder}, gave {wrong}.", "See trainer.data.DatasetSplits."
        )
    return sets  # type: ignore[no-any-return]


def _wrong(config: DatasetPlugin, sets: object) -> str | None:
    if not isinstance(sets, DatasetSplits):
        return f"a {type(sets).__name__}, not DatasetSplits"
    for part, pixels, labels in (
        ("training", sets.train_pixels, sets.train_labels),
        ("test", sets.test_pixels, sets.test_labels),
    ):
        if pixels.dim() != 4 or pixels.dtype not in (torch.uint8, torch.float32):
            return f"{part} images of shape {tuple(pixels.shape)} and {pixels.dtype}"
        wanted = pixels.shape[:1] if config.task == "classification" else (len(pixels), *pixels.shape[2:])
        if tuple(labels.shape) != tuple(wanted) or not len(labels):
            return f"{part} labels of shape {tuple(labels.shape)} for images of shape {tuple(pixels.shape)}"
        counted = labels[labels != IGNORE_INDEX] if config.task == "segmentation" else labels
        if counted.numel() and not 0 <= int(counted.min()) <= int(counted.max()) < sets.classes:
            return f"{part} labels from {int(counted.min())} to {int(counted.max())} for {sets.classes} classes"
    if sets.train_pixels.shape[1] != sets.test_pixels.shape[1]:
        return f"{sets.train_pixels.shape[1]} channels for training and {sets.test_pixels.shape[1]} for the test"
    if sets.class_names is not None and len(sets.class_names) != sets.classes:
        return f"{len(sets.class_names)} names of classes for {sets.classes} classes"
    return None


def copied(train: Tensor, test: Tensor) -> tuple[str, ...]:
    """A warning of test images that are training images too; of large sets, as far as some images tell.

    Args:
        train, test: pixels (images, channels, height, width).
    """
    compared, searched = (evenly(len(part), MOST_SEARCHED) for part in (test, train))
    known = {_content(train[index]) for index in searched}
    same = sum(_content(test[index]) in known for index in compared)
    if not same:
        return ()
    return (f"{same:,} of the {len(compared):,} test images compared are training images too.",)


def _content(pixels: Tensor) -> bytes:
    return blake2b(pixels.cpu().contiguous().numpy().tobytes(), digest_size=16).digest()
