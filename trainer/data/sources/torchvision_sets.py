"""The sets that torchvision reads from the data folder."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contract.config import Cifar10, Cifar100, FashionMnist, Mnist
from contract.errors import DataDamaged, DataMissing
from trainer.data.datasets.images import Augmentation, Normalisation, TensorImages
from trainer.data.inspection.report import numbered
from trainer.engines.environment import Workplace

TorchvisionConfig = FashionMnist | Mnist | Cifar10 | Cifar100


@dataclass(frozen=True)
class _Source:
    """One set: what people call it, torchvision's class, its files below the data folder, how to augment it.

    `mean` and `deviation` are those of all its training pixels as fractions of 255, rounded to four digits.
    """

    title: str
    loader: str
    files: tuple[str, ...]
    augmentation: Augmentation
    classes: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


_IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_CIFAR_FILES = (*(f"data_batch_{part}" for part in range(1, 6)), "test_batch", "batches.meta")

SOURCES: dict[str, _Source] = {
    "fashion-mnist": _Source(
        "Fashion-MNIST",
        "FashionMNIST",
        tuple(f"FashionMNIST/raw/{name}" for name in _IDX_FILES),
        Augmentation(shift=2, mirror=False),
        classes=10,
        mean=(0.2860,),
        deviation=(0.3530,),
    ),
    "mnist": _Source(
        "MNIST",
        "MNIST",
        tuple(f"MNIST/raw/{name}" for name in _IDX_FILES),
        Augmentation(shift=2, mirror=False),
        classes=10,
        mean=(0.1307,),
        deviation=(0.3081,),
    ),
    "cifar10": _Source(
        "CIFAR-10",
        "CIFAR10",
        tuple(f"cifar-10-batches-py/{name}" for name in _CIFAR_FILES),
        Augmentation(shift=4, mirror=True),
        classes=10,
        mean=(0.4914, 0.4822, 0.4465),
        deviation=(0.2470, 0.2435, 0.2616),
    ),
    "cifar100": _Source(
        "CIFAR-100",
        "CIFAR100",
        tuple(f"cifar-100-python/{name}" for name in ("train", "test", "meta")),
        Augmentation(shift=4, mirror=True),
        classes=100,
        mean=(0.5071, 0.4865, 0.4409),
        deviation=(0.2673, 0.2564, 0.2762),
    ),
}


def torchvision_images(
    config: TorchvisionConfig, workplace: Workplace
) -> tuple[TensorImages, TensorImages, tuple[str, ...], Normalisation]:
    """Training and test images, uint8, of a set in the data folder, its classes' names, and how to normalise it.

    Raises:
        DataMissing: its files are not there, and may not be, or could not be, downloaded.
        DataDamaged: they are there and cannot be read.
    """
    source = SOURCES[config.kind]
    if _absent(source, workplace.data_root):
        if not workplace.may_download:
            raise _missing(source, workplace.data_root)
        _download(source, workplace.data_root)
    train, test = (_read(source, workplace.data_root, train=train) for train in (True, False))
    augmentation = source.augmentation if config.augment else None
    normalise = Normalisation.by(source.mean, source.deviation)
    return replace(train, augmentation=augmentation), test, _class_names(source, workplace.data_root), normalise


def torchvision_folders(config: TorchvisionConfig) -> tuple[str, str]:
    """Where the set's training and test images lie below the data folder."""
    source = SOURCES[config.kind]
    folder = source.files[0].rpartition("/")[0]
    return f"{folder}: training images", f"{folder}: test images"


def _class_names(source: _Source, root: Path) -> tuple[str, ...]:
    """What torchvision calls the classes: of CIFAR as its files say, of the others as torchvision knows them."""
    loader: Any = _loader(source)
    known = getattr(loader, "classes", None)
    names = known if known is not None else loader(str(root), train=False).classes
    return tuple(str(name) for name in names) if len(names) == source.classes else numbered(source.classes)


def _absent(source: _Source, root: Path) -> list[str]:
    """Those of the set's files that are not there, neither as they are nor compressed."""
    return [name for name in source.files if not (root / name).is_file() and not (root / f"{name}.gz").is_file()]


def _missing(source: _Source, root: Path) -> DataMissing:
    absent = _absent(source, root)
    shown = ", ".join(absent[:4]) + (f" and {len(absent) - 4} more" if len(absent) > 4 else "")
    return DataMissing(
        f"{source.title} is not in the data folder {root}: {shown} not found.",
        "Put its files there in torchvision's layout, or name the folder that holds them in NEQ_DATA_ROOT, or let the "
        "worker fetch it with NEQ_DOWNLOAD=1; or choose the bundled Fashion-MNIST, which needs no files.",
    )


def _loader(source: _Source) -> Callable[..., Any]:
    from torchvision import datasets  # a second to import, and only these sets need it

    loader: Callable[..., Any] = getattr(datasets, source.loader)
    return loader


def _download(source: _Source, root: Path) -> None:
    try:
        _loader(source)(str(root), train=True, download=True)
    except (OSError, RuntimeError) as error:
        raise DataMissing(
            f"{source.title} is not in the data folder {root} and could not be downloaded: {error}",
            "Check the network, or put its files there in torchvision's layout.",
        ) from error


def _read(source: _Source, root: Path, *, train: bool) -> TensorImages:
    try:
        loaded = _loader(source)(str(root), train=train, download=False)
        return _as_images(loaded.data, loaded.targets)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, AssertionError, pickle.UnpicklingError) as error:
        changed = _changed_files(source, root)
        why = f"{', '.join(changed)} cut short or changed" if changed else error or type(error).__name__
        raise DataDamaged(
            f"{source.title} in the data folder {root} cannot be read: {why}.",
            f"Remove {source.files[0].split('/')[0]} from the data folder and put its files there anew.",
        ) from error


def _changed_files(source: _Source, root: Path) -> list[str]:
    """Those of the set's files whose sums are not the ones that torchvision knows; it knows CIFAR's alone."""
    from torchvision.datasets.utils import check_integrity  # a second to import

    loader: Any = _loader(source)
    known = [*getattr(loader, "train_list", ()), *getattr(loader, "test_list", ())]
    return [name for name, sum_ in known if not check_integrity(str(root / loader.base_folder / name), sum_)]


def _as_images(pixels: Any, labels: Any) -> TensorImages:
    """torchvision's arrays as (images, channels, height, width); grey comes without, colour with channels last."""
    values = torch.as_tensor(np.asarray(pixels))
    values = values.unsqueeze(1) if values.dim() == 3 else values.permute(0, 3, 1, 2).contiguous()
    targets = torch.as_tensor(np.asarray(labels)).long()
    if len(values) != len(targets) or not len(values):
        raise ValueError(f"{len(values)} images with {len(targets)} labels")
    return TensorImages(values, targets)
