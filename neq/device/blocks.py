"""How many neurons a device computes together, so that fewer of them take as long."""

import torch

_VECTOR = 16
"""Channels that a vector register holds: oneDNN computes 1 and 16 of them in the same time under AVX-512. Whole blocks
also go through the same kernels as all rows do, so that each row's sum is rounded in the same way."""

_TENSOR_CORES = 8
"""Rows by which products fit tensor cores: with another number some kernels do without them."""

_TILE = 64
"""Rows of the smallest tile that a GPU's products of matrices are commonly made of."""


def rows_together(device: torch.device) -> int:
    """Rows of a weight gradient that are computed in one go: what a number of active rows is filled up to."""
    return _VECTOR if device.type == "cpu" else _TENSOR_CORES


def neurons_together(device: torch.device) -> int:
    """Neurons that the selection `blocks` rounds to, so that those that move leave no part of a tile unused."""
    return _VECTOR if device.type == "cpu" else _TILE
