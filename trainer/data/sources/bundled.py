"""Fashion-MNIST's first 12,000 images, which come with the program."""

from importlib.resources import as_file, files

import numpy as np
import torch

from contract.errors import DataDamaged
from trainer.data.datasets.images import TensorImages

_FILE = "fashion-mnist-10000-2000.npz"
CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
SOURCES = ("bundled: the first of each class of 60,000", "bundled: the first of each class of 10,000")
"""Where its training and test images come from."""
_REMEDY = "Install the program again: its bundled images do not belong to it as they are."


def fashion_mnist_mini() -> tuple[TensorImages, TensorImages]:
    """10,000 training and 2,000 test images, uint8 (images, 1, 28, 28), the classes balanced.

    Raises:
        DataDamaged: the bundled file is missing, cut short or holds something else.

    Source: Fashion-MNIST, Zalando SE 2017, MIT License; see NOTICE beside the file.
    """
    resource = files("trainer.data") / "fashion_mnist_mini" / _FILE
    try:
        with as_file(resource) as path, np.load(path, allow_pickle=False) as arrays:
            return _images(arrays["train_x"], arrays["train_y"]), _images(arrays["test_x"], arrays["test_y"])
    except Exception as error:
        # numpy and zipfile raise a dozen types for a file cut short; every one means the same to the reader.
        raise DataDamaged(f"The bundled Fashion-MNIST file {_FILE} cannot be read: {error}", _REMEDY) from error


def _images(pixels: np.ndarray, labels: np.ndarray) -> TensorImages:
    if pixels.shape[1:] != (28, 28) or len(pixels) != len(labels):
        raise ValueError(f"images of shape {pixels.shape} with {len(labels)} labels are not Fashion-MNIST")
    return TensorImages(torch.from_numpy(pixels).unsqueeze(1), torch.from_numpy(labels).long())
