"""φ: how like its former self each neuron's output is.

Only four sums a neuron are needed, so outputs need not be kept: they are summed batch by batch. One of the four is that
of the squared change between the epochs, because 1 − φ follows from it without cancellation where nearly nothing
changed: a 1 − φ of 1e-9 would drown in the rounding of ⟨now, before⟩. Within a sample float32 outputs are summed in
float32, pairwise; samples are added up in float64.
"""

import torch
from torch import Tensor


class Workspace:
    """Memory for intermediate products, used again for every layer: allocating it anew costs more than the products."""

    def __init__(self) -> None:
        self._held: Tensor | None = None

    def like(self, tensor: Tensor) -> Tensor:
        """A tensor of the same shape, strides and type, with any content; valid until the next call."""
        held = self._held
        if held is None or held.numel() < tensor.numel() or held.dtype != tensor.dtype or held.device != tensor.device:
            held = self._held = torch.empty(tensor.numel(), dtype=tensor.dtype, device=tensor.device)
        return held.as_strided(tensor.shape, tensor.stride())


def sample_sums(
    now: Tensor, before: Tensor, axis: int, workspace: Workspace | None = None, *, former_known: bool = False
) -> Tensor:
    """The four sums that φ is made of, for every neuron and every sample.

    Args:
        now: a layer's output, any floating type; dimension 0 tells samples apart, `axis` neurons. Where these are the
            same dimension there is a single sample.
        before: the output for the same samples, in the same order, one epoch earlier; the same shape.
        axis: the dimension of the neurons; all but it and the samples are summed over.
        workspace: memory to use for intermediate products.
        former_known: Σ before² was found one epoch earlier, as Σ now² then; it is left out, and 0 here.

    Returns:
        float64 (4, samples, neurons) on the outputs' device: Σ now², Σ before², Σ now · before and Σ (now − before)².

    Raises:
        ValueError: the two shapes differ, so values cannot be paired.
    """
    if now.shape != before.shape:
        raise ValueError(
            f"outputs changed shape between the epochs, {tuple(before.shape)} to {tuple(now.shape)}: "
            "the probe set must give the same samples in the same order every time"
        )
    now, before = _summable(now), _summable(before)
    if axis % now.dim() == 0:
        now, before, axis = now.unsqueeze(0), before.unsqueeze(0), 1
    positions = [dimension for dimension in range(1, now.dim()) if dimension != axis % now.dim()]
    if now.stride() != before.stride():
        before = torch.empty_like(now).copy_(before)
    if not positions:  # a few values, and nothing to sum yet
        now, before = double(now), double(before)
        return torch.stack([now * now, before * before, now * before, (now - before).square()])
    product = (workspace or Workspace()).like(now)
    sums = now.new_zeros(4, now.shape[0], now.shape[axis])
    factors = {0: (now, now), 2: (now, before)} | ({} if former_known else {1: (before, before)})
    for row, (a, b) in factors.items():
        torch.sum(torch.mul(a, b, out=product), positions, out=sums[row])
    torch.sum(torch.sub(now, before, out=product).square_(), positions, out=sums[3])
    return double(sums)


def _summable(output: Tensor) -> Tensor:
    """In a type precise enough to sum in, and laid out without gaps."""
    output = output if output.dtype in (torch.float32, torch.float64) else output.float()
    channels_last = {4: torch.channels_last, 5: torch.channels_last_3d}.get(output.dim(), torch.contiguous_format)
    return output if output.is_contiguous(memory_format=channels_last) else output.contiguous()


def double(values: Tensor) -> Tensor:
    """In float64: on the same device, or on the CPU where the device knows none (MPS)."""
    return values.cpu().double() if values.device.type == "mps" else values.double()


def divergence_from_sums(sums: Tensor) -> Tensor:
    """1 − φ: how far each neuron's output turned away from its former self.

    Args:
        sums: float64 (4, …), as `sample_sums` gives them, added up over the values that are to be compared as one.

    Returns:
        1 − cos, float64 (…), in [0, 2], with few digits lost where it is tiny. Silent both times (all outputs 0) is 0:
        a dead neuron is at equilibrium. Fell silent or woke up is 1. NaN where an output was not finite.

    Source: arXiv:2207.09455, the equation of φ.
    """
    now, before, dot, change = sums
    norms = (now * before).sqrt()
    # |now − before|² = (|now| − |before|)² + 2 |now| |before| (1 − cos)
    louder = (now - before) / (now.sqrt() + before.sqrt())
    nearly_the_same = (change - louder.square()) / (2 * norms)
    divergence = torch.where(4 * change < torch.minimum(now, before), nearly_the_same, 1 - dot / norms).clamp(0.0, 2.0)
    silent_now, silent_before = now == 0, before == 0
    divergence = torch.where(silent_now ^ silent_before, 1.0, divergence)
    return torch.where(silent_now & silent_before, 0.0, divergence)


def phi_from_sums(sums: Tensor) -> Tensor:
    """φ itself, float64 (…), in [-1, 1]; see `divergence_from_sums`."""
    return 1 - divergence_from_sums(sums)
