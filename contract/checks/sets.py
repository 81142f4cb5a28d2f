"""The data sets that have a name: their files below the data folder, and how large they are known to be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NamedSet:
    """One of them.

    Attributes:
        title: what people call it.
        files: paths below the data folder that are looked for, folders or files (these also with `.gz`).
        fetched: whether torchvision can download it.
        train, test: images in it; None where that is not the same everywhere.
        channels, side: of its images; None where the run's description says it.
    """

    title: str
    files: tuple[str, ...]
    fetched: bool
    train: int | None = None
    test: int | None = None
    classes: int | None = None
    channels: int = 3
    side: int | None = None


ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".gif")
"""Of files that hold images."""
_IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_CIFAR10 = (*(f"data_batch_{part}" for part in range(1, 6)), "test_batch", "batches.meta")

NAMED = {
    "fashion-mnist": NamedSet(
        "Fashion-MNIST", tuple(f"FashionMNIST/raw/{name}" for name in _IDX), True, 60_000, 10_000, 10, 1, 28
    ),
    "mnist": NamedSet("MNIST", tuple(f"MNIST/raw/{name}" for name in _IDX), True, 60_000, 10_000, 10, 1, 28),
    "cifar10": NamedSet(
        "CIFAR-10", tuple(f"cifar-10-batches-py/{name}" for name in _CIFAR10), True, 50_000, 10_000, 10, 3, 32
    ),
    "cifar100": NamedSet(
        "CIFAR-100",
        tuple(f"cifar-100-python/{name}" for name in ("train", "test", "meta")),
        True,
        50_000,
        10_000,
        100,
        3,
        32,
    ),
    "imagenet": NamedSet("ImageNet", ("imagenet/train", "imagenet/val"), False, classes=1000),
    "coco": NamedSet(
        "COCO",
        (
            "coco/train2017",
            "coco/val2017",
            "coco/annotations/instances_train2017.json",
            "coco/annotations/instances_val2017.json",
        ),
        False,
        classes=21,
    ),
    "voc": NamedSet("Pascal VOC", ("VOCdevkit/VOC2012",), True, classes=21),
}
"""By the kind that a run's description calls it."""
