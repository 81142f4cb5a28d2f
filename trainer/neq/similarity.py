"""φ: how like its former self each neuron's output is.

Only three sums a neuron are needed, in float64, so outputs need not be kept: they are summed batch by batch. float64
matters: ε is compared with differences of φ near 1, where float32 has steps of 6e-8 and long sums err by more.
"""

import torch
from torch import Tensor


def neuron_sums(now: Tensor, before: Tensor, axis: int) -> Tensor:
    """The three sums that φ is made of, over every value that each neuron gave.

    Args:
        now: a layer's output, any floating type; `axis` tells its neurons apart.
        before: the output for the same samples, in the same order, one epoch earlier; the same shape.
        axis: the dimension of the neurons; all others are summed over.

    Returns:
        float64 (3, neurons), on the outputs' device: Σ now · before, Σ now², Σ before².

    Raises:
        ValueError: the two shapes differ, so values cannot be paired.
    """
    if now.shape != before.shape:
        raise ValueError(
            f"outputs changed shape between the epochs, {tuple(before.shape)} to {tuple(now.shape)}: "
            "the probe set must give the same samples in the same order every time"
        )
    a = _values(now, axis)
    b = _values(before, axis)
    return torch.stack([torch.linalg.vecdot(a, b), torch.linalg.vecdot(a, a), torch.linalg.vecdot(b, b)])


def _values(output: Tensor, axis: int) -> Tensor:
    rows = output.movedim(axis, 0)
    return rows.reshape(rows.shape[0], -1).to(torch.float64)


def phi_from_sums(sums: Tensor) -> Tensor:
    """The cosine of each neuron's concatenated outputs, one epoch apart.

    Args:
        sums: float64 (3, neurons), as `neuron_sums` gives them, added up over all batches.

    Returns:
        φ, float64 (neurons,), in [-1, 1]. Silent both times (all outputs 0) is 1: a dead neuron is at equilibrium.
        Fell silent or woke up is 0. NaN where an output was not finite.

    Source: arXiv:2207.09455, the equation of φ. The released code averages one cosine per sample instead.
    """
    cross, now, before = sums
    # The root of the product, not the product of roots: for equal outputs it is exact, and φ exactly 1.
    phi = (cross / (now * before).sqrt()).clamp(-1.0, 1.0)
    silent_now, silent_before = now == 0, before == 0
    phi = torch.where(silent_now ^ silent_before, 0.0, phi)
    return torch.where(silent_now & silent_before, 1.0, phi)
