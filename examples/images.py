"""The pictures of clothes that come with the program, for all examples: 28×28, grey, ten classes."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FILE = Path(__file__).parents[1] / "trainer/data/fashion_mnist_mini/fashion-mnist-10000-2000.npz"
CLASSES = 10


def fashion_mnist(part: str, count: int) -> tuple[Tensor, Tensor]:
    """The first pictures of a part, and their classes.

    Args:
        part: `train` (10,000) or `test` (2,000).
        count: how many, at most.

    Returns:
        float32 (count, 1, 28, 28) around 0, and int64 (count,).
    """
    with np.load(FILE) as arrays:
        pictures, classes = arrays[f"{part}_x"][:count], arrays[f"{part}_y"][:count]
    return torch.tensor(pictures[:, None] / 127.5 - 1, dtype=torch.float32), torch.tensor(classes, dtype=torch.int64)
