"""The weight gradient of a convolution or linear layer, whole or for some of its output rows.

Rows are computed by torch's own kernels on the gathered output gradient, so that each row goes through the very sums
that it goes through in the whole gradient.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

BLOCK = 16
"""Channels that a vector register holds: oneDNN computes 1 and 16 of them in the same time under AVX-512. Whole blocks
also go through the same kernels as all rows do, so that each row's sum is rounded in the same way."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


@dataclass(frozen=True)
class Geometry:
    """How a convolution moves over its input; `stride` is empty for a linear layer."""

    stride: tuple[int, ...]
    padding: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()

    @classmethod
    def of(cls, module: nn.Module) -> "Geometry | None":
        """That of a module of exactly one of the kinds whose rows can be computed alone; None for others."""
        kind = vars(type(module)).get("_swapped_from", type(module))
        if kind is nn.Linear:
            return cls(())
        if kind not in CONVOLUTIONS:
            return None
        convolution: Any = module
        if convolution.groups != 1 or convolution.padding_mode != "zeros" or isinstance(convolution.padding, str):
            return None
        return cls(convolution.stride, convolution.padding, convolution.dilation)


def whole(geometry: Geometry, inputs: Tensor, gradient: Tensor, like: Tensor, *, bias: bool) -> tuple[Tensor, ...]:
    """The weight gradient, and the bias gradient where `bias`, of all the rows that `gradient` has.

    Args:
        inputs: the layer's input, in the type that it computed in.
        gradient: of the layer's output, or of some of its neurons.
        like: a tensor of the weight's shape, with as many rows as `gradient` has neurons; its values do not matter.
    """
    if not geometry.stride:
        flat = gradient.reshape(-1, gradient.shape[-1])
        weight = flat.t() @ inputs.reshape(-1, inputs.shape[-1])
        return (weight, flat.sum(0)) if bias else (weight,)
    batched = gradient.dim() == like.dim()
    _, weight, of_bias = torch.ops.aten.convolution_backward(
        gradient if batched else gradient.unsqueeze(0),
        inputs if batched else inputs.unsqueeze(0),
        like,
        [like.shape[0]] if bias else None,
        geometry.stride,
        geometry.padding,
        geometry.dilation,
        False,
        [0] * len(geometry.stride),
        1,
        [False, True, bias],
    )
    return (weight, of_bias) if bias else (weight,)


def gathered(geometry: Geometry, gradient: Tensor, rows: Tensor) -> Tensor:
    """The output gradient of these neurons alone, in the memory format that it has."""
    if not geometry.stride:
        return gradient.index_select(-1, rows)
    axis = gradient.dim() - 1 - len(geometry.stride)
    if gradient.stride(axis) == 1 and gradient.numel() > 1:  # channels last: index_select would answer channels first
        last = gradient.movedim(axis, -1)
        return last.index_select(-1, rows).movedim(-1, axis)
    return gradient.index_select(axis, rows)


def in_blocks(rows: int) -> int:
    """So many rows, rounded up to whole blocks."""
    return -(-rows // BLOCK) * BLOCK


@dataclass(frozen=True)
class Rows:
    """Which rows of a layer are computed, and which of those are kept.

    Attributes:
        computed: int64, numbers of the neurons whose gradient is computed, ascending.
        filling: int64, places in `computed` that hold frozen neurons, there to fill a block; their gradient is zero.
        frozen: int64, numbers of all frozen neurons.
    """

    computed: Tensor
    filling: Tensor
    frozen: Tensor

    @classmethod
    def filled(cls, mask: Tensor) -> "Rows":
        """The active rows of a mask (bool, true is frozen), filled up to whole blocks with frozen ones."""
        active, frozen = (~mask).nonzero().flatten(), mask.nonzero().flatten()
        wanted = min(in_blocks(active.numel()), mask.numel())
        computed = torch.cat([active, frozen[: wanted - active.numel()]]).sort().values
        return cls(computed, mask[computed].nonzero().flatten(), frozen)

    def to(self, device: torch.device) -> "Rows":
        """The same on another device."""
        return Rows(self.computed.to(device), self.filling.to(device), self.frozen.to(device))


def of_rows(
    geometry: Geometry, inputs: Tensor, gradient: Tensor, weight: Tensor, rows: Rows, *, bias: bool
) -> tuple[Tensor, ...]:
    """The gradients with frozen rows zero, of which only `rows.computed` were computed; in the weight's own shape."""
    some = gathered(geometry, gradient, rows.computed)
    parts = list(whole(geometry, inputs, some, weight[: rows.computed.numel()], bias=bias and bool(geometry.stride)))
    found = [_spread(parts[0], torch.empty_like(weight, dtype=parts[0].dtype), rows)]
    if len(parts) > 1:
        found.append(_spread(parts[1], parts[1].new_empty(weight.shape[0]), rows))
    elif bias:  # gathered columns would be added up in another order
        found.append(gradient.reshape(-1, gradient.shape[-1]).sum(0).index_fill_(0, rows.frozen, 0))
    return tuple(found)


def _spread(part: Tensor, target: Tensor, rows: Rows) -> Tensor:
    if rows.filling.numel():
        part[rows.filling] = 0
    return target.zero_().index_copy_(0, rows.computed, part)
