"""The weight gradient of a convolution or linear layer, whole or for some of its output rows.

Rows are computed by torch's own kernels on the gathered output gradient, so that each row goes through the very sums
that it goes through in the whole gradient.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

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
        kind = vars(type(module)).get("_patched_from", type(module))
        if kind is nn.Linear:
            return cls(())
        if kind not in CONVOLUTIONS:
            return None
        convolution: Any = module
        if convolution.groups != 1 or convolution.padding_mode != "zeros" or isinstance(convolution.padding, str):
            return None
        return cls(convolution.stride, convolution.padding, convolution.dilation)

    def transposes(self, weight: torch.Size) -> bool:
        """Whether input and output gradient may change places: a convolution that keeps the size of what it is fed."""
        spans = zip(self.padding, self.dilation, weight[2:], strict=True)
        return bool(self.stride) and set(self.stride) == {1} and all(2 * p == d * (k - 1) for p, d, k in spans)


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
    weight, of_bias = _convolved(geometry, inputs, gradient, like, bias=bias)
    return (weight, of_bias) if bias else (weight,)


def _convolved(geometry: Geometry, inputs: Tensor, gradient: Tensor, like: Tensor, *, bias: bool) -> list[Any]:
    """The weight gradient of a convolution, and the bias gradient or None; without a batch dimension or with one."""
    batched = gradient.dim() == like.dim()
    found: Sequence[Any] = torch.ops.aten.convolution_backward(
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
    return list(found[1:])


def gathered(geometry: Geometry, gradient: Tensor, rows: Tensor) -> Tensor:
    """The output gradient of these neurons alone, in the memory format that it has."""
    if not geometry.stride:
        return _columns(gradient, rows)
    axis = gradient.dim() - 1 - len(geometry.stride)
    if gradient.stride(axis) == 1 and gradient.numel() > 1:  # channels last: index_select would answer channels first
        return _columns(gradient.movedim(axis, -1), rows).movedim(-1, axis)
    return gradient.index_select(axis, rows)


def _columns(gradient: Tensor, columns: Tensor) -> Tensor:
    """Entries of the last dimension; as of a matrix, for with more dimensions torch copies number by number."""
    flat = gradient.reshape(-1, gradient.shape[-1])
    return flat.index_select(1, columns).reshape(*gradient.shape[:-1], columns.numel())


def in_blocks(rows: int, block: int) -> int:
    """So many rows, rounded up to whole blocks."""
    return -(-rows // block) * block


@dataclass(frozen=True)
class Rows:
    """Which rows of a layer are computed, and where each row of the gradient comes from.

    Attributes:
        active: int64, numbers of the neurons that move, ascending.
        computed: int64, those and frozen ones that fill the last block, ascending.
        frozen: int64, numbers of all frozen neurons.
        from_computed: int64, one value a neuron: its place in `computed`; a frozen one's is behind the last.
        from_active: the same in `active`.
    """

    active: Tensor
    computed: Tensor
    frozen: Tensor
    from_computed: Tensor
    from_active: Tensor

    @classmethod
    def of(cls, mask: Tensor, block: int) -> "Rows":
        """Those of a mask, in blocks of so many rows.

        Args:
            mask: bool on the CPU, true is frozen.
        """
        active, frozen = (~mask).nonzero().flatten(), mask.nonzero().flatten()
        wanted = min(in_blocks(active.numel(), block), mask.numel())
        computed = torch.cat([active, frozen[: wanted - active.numel()]]).sort().values
        return cls(active, computed, frozen, _places(computed, mask), _places(active, mask))

    def to(self, device: torch.device) -> "Rows":
        """The same on another device, all sent there at once."""
        parts = [getattr(self, part.name) for part in fields(self)]
        if self.active.device == device:
            return self
        return Rows(*torch.cat(parts).to(device).split([part.numel() for part in parts]))


def _places(rows: Tensor, mask: Tensor) -> Tensor:
    places = torch.empty(mask.numel(), dtype=torch.int64)
    places[rows] = torch.arange(rows.numel())
    return places.masked_fill_(mask, rows.numel())


def of_rows(
    geometry: Geometry, inputs: Tensor, gradient: Tensor, weight: Tensor, rows: Rows, *, bias: bool
) -> tuple[Tensor, ...]:
    """The gradients with frozen rows zero, of which only `rows.computed` were computed; in the weight's own shape."""
    some = gathered(geometry, gradient, rows.computed)
    if not geometry.stride:
        return _of_columns(inputs, gradient, some, rows, bias=bias)
    parts = whole(geometry, inputs, some, weight[: rows.computed.numel()], bias=bias)
    return tuple(_spread(part, rows.from_computed) for part in parts)


def _of_columns(inputs: Tensor, gradient: Tensor, some: Tensor, rows: Rows, *, bias: bool) -> tuple[Tensor, ...]:
    """Those of a linear layer, multiplied into memory that has a row of zeros to spare."""
    columns, flat = some.reshape(-1, some.shape[-1]), inputs.reshape(-1, inputs.shape[-1])
    part = flat.new_empty(columns.shape[1] + 1, flat.shape[1])
    torch.mm(columns.t(), flat, out=part[:-1])
    part[-1] = 0
    weight = part.index_select(0, rows.from_computed)
    if not bias:
        return (weight,)
    # of all columns: gathered ones would be added up in another order
    return weight, gradient.reshape(-1, gradient.shape[-1]).sum(0).index_fill_(0, rows.frozen, 0)


def transposed(
    geometry: Geometry, inputs: Tensor, gradient: Tensor, weight: Tensor, rows: Rows, *, bias: bool
) -> tuple[Tensor, ...]:
    """What `of_rows` gives, computed as if the output's gradient had been convolved to give the input.

    Every entry is the same sum of the same products. But now the input's channels fill the vector registers and the
    active rows make the loop around them, so that few rows take less time than a block. Only where
    `geometry.transposes`.
    """
    some = gathered(geometry, gradient, rows.active)
    like = weight.new_empty(weight.shape[1], rows.active.numel(), *weight.shape[2:])
    found, _ = _convolved(geometry, some, inputs, like, bias=False)
    part = found.flip(tuple(range(2, found.dim()))).transpose(0, 1)
    parts = [part.contiguous()]
    if bias:
        parts.append(some.movedim(-1 - len(geometry.stride), 0).flatten(1).sum(1))
    return tuple(_spread(part, rows.from_active) for part in parts)


def _spread(part: Tensor, places: Tensor) -> Tensor:
    """Rows at their places, zeros elsewhere, in the memory format that they have."""
    part = torch.cat([part, torch.zeros_like(part[:1])])
    if part.dim() > 2 and not part.is_contiguous():  # index_select would answer channels first
        return part.movedim(1, -1).index_select(0, places).movedim(-1, 1)
    return part.index_select(0, places)
