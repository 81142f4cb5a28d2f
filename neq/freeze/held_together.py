"""Frozen rows of many small parameters on a GPU, held by a handful of kernels for all of them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from neq.freeze.held_on_device import FrozenRows, HeldOnDevice, counts_as_step, differs_in

SMALL = 2**18
"""Values of a parameter up to which it is held together with others, at the price of a mask of its own size."""

_INTEGERS = {
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
    torch.float32: torch.int32,
    torch.float64: torch.int64,
}
"""As what the bits of each type are told: products with 0 and 1, and sums with 0, of integers change no bit, whereas
those of floats let NaN and infinity through."""

_ALIGNED = 64
"""Values at whose multiples each parameter's piece begins, so that kernels read several at once."""


def may_be_together(tensor: Tensor) -> bool:
    """Whether a parameter is small, and plain enough in its memory, to be held with others."""
    dense = bool(torch.ops.aten.is_non_overlapping_and_dense(tensor))
    return tensor.dtype in _INTEGERS and tensor.numel() <= SMALL and dense and tensor.layout == torch.strided


class HeldTogether(HeldOnDevice):
    """Frozen rows of small parameters of one device and type.

    Masks and values lie in one piece of memory each, in which every parameter has a view of its own sizes and strides:
    torch tells lists of tensors at once where these agree.
    """

    def __init__(
        self, frozen: Sequence[FrozenRows], *, model_may_follow: bool = False, values: Sequence[Tensor] | None = None
    ) -> None:
        super().__init__(frozen, model_may_follow=model_may_follow)
        first = self.parameters[0]
        self._dtype, self._integer = first.dtype, _INTEGERS[first.dtype]
        self._starts, self._size = _pieces(self.parameters)
        self._moves = torch.ones(self._size, dtype=self._integer, device=first.device)
        self._values = torch.zeros_like(self._moves)
        self._differed = torch.zeros(self._size, dtype=torch.bool, device=first.device)
        self._times = torch.zeros(len(self.frozen), dtype=torch.int32, device=first.device)
        self._each_moves, self._each_value = self._views(self._moves), self._views(self._values)
        self._mark_rows()
        self._in_layout: dict[tuple[int, tuple[int, ...]], Tensor] = {}
        self._noted_values(self.parameters if values is None else values)
        self._find()

    def _views(self, flat: Tensor) -> list[Tensor]:
        """The pieces of a tensor of all parameters' values, in the parameters' sizes and strides."""
        pairs = zip(self.parameters, self._starts, strict=True)
        return [flat.as_strided(one.shape, one.stride(), start) for one, start in pairs]

    def _mark_rows(self) -> None:
        zero = self._moves.new_zeros(())  # a number would be sent from the host
        for one, mask in zip(self.frozen, self._each_moves, strict=True):
            one.layer.rows(mask)[one.place(mask)] = zero

    def _noted_values(self, tensors: Sequence[Tensor]) -> None:
        bits = [tensor.detach().to(self._moves.device, self._dtype).view(self._integer) for tensor in tensors]
        torch._foreach_copy_(self._each_value, bits)
        self._values.mul_(1 - self._moves)

    @property
    def nbytes(self) -> int:
        return self._moves.nbytes + self._values.nbytes + self._differed.nbytes

    def _find(self) -> None:
        self._bits = [parameter.data.view(self._integer) for parameter in self.parameters]
        self._lists = self._picked(tuple(range(len(self.parameters))))

    def _picked(self, chosen: tuple[int, ...]) -> tuple[tuple[int, ...], list[Tensor], list[Tensor], list[Tensor]]:
        lists = ([views[number] for number in chosen] for views in (self._bits, self._each_moves, self._each_value))
        return chosen, *lists  # type: ignore[return-value]

    def _write(self, chosen: tuple[int, ...]) -> None:
        if chosen != self._lists[0]:
            self._lists = self._picked(chosen)
        _, bits, moves, values = self._lists
        if chosen:
            torch._foreach_mul_(bits, moves)
            torch._foreach_add_(bits, values)

    def _compare(self, *, told: bool, counted: bool) -> None:
        bits = torch.zeros_like(self._moves)  # between the pieces it is compared too
        torch._foreach_copy_(self._views(bits), self._bits)
        bits.mul_(1 - self._moves)
        if told:
            now, before = bits.view(self._dtype), self._values.view(self._dtype)
            differs = differs_in(now, before)
            self._differed |= differs
            if counted:
                self._count((now - before).masked_fill_(~differs, 0), before)
        self._values.copy_(bits)

    def _count(self, change: Tensor, before: Tensor) -> None:
        """A step's time in which rows were changed by more than rounding."""
        sizes, changes = (torch._foreach_norm(self._views(flat.float())) for flat in (before, change))
        size, by = torch.stack(sizes), torch.stack(changes)
        self._times += counts_as_step(by, size)

    def has_moved(self) -> Tensor:
        return self._differed.any()

    def moved(self) -> list[tuple[FrozenRows, Tensor, int]]:
        differed, times = self._views(self._differed.cpu()), self._times.tolist()
        found = [
            (one, one.differing(mask), count) for one, mask, count in zip(self.frozen, differed, times, strict=True)
        ]
        return [(one, neurons, count) for one, neurons, count in found if neurons.numel()]

    def zero(self, number: int) -> None:
        gradient = self.parameters[number].grad
        if gradient is None or gradient.is_sparse:
            return
        if self._is_told_as_bits(gradient):
            gradient.detach().view(self._integer).mul_(self._moves_like(number, gradient))
        else:
            gradient.masked_fill_(self._each_moves[number] == 0, 0)

    def zero_together(self, numbers: Sequence[int]) -> None:
        bits, moves = [], []
        for number in numbers:
            gradient = self.parameters[number].grad
            if gradient is not None and self._is_told_as_bits(gradient):
                bits.append(gradient.view(self._integer))
                moves.append(self._moves_like(number, gradient))
            else:
                self.zero(number)
        if bits:
            torch._foreach_mul_(bits, moves)

    def _is_told_as_bits(self, tensor: Tensor) -> bool:
        """A gradient that will be differentiated once more is not: autograd has to see its zeros."""
        return tensor.dtype is self._dtype and tensor.layout is torch.strided and not tensor.requires_grad

    def _moves_like(self, number: int, tensor: Tensor) -> Tensor:
        """The mask in a tensor's own layout, which a gradient's may differ from its parameter's."""
        mask = self._each_moves[number]
        strides = tensor.stride()
        if strides == mask.stride():
            return mask
        if (number, strides) not in self._in_layout:
            self._in_layout[number, strides] = torch.empty_like(tensor, dtype=self._integer).copy_(mask)
        return self._in_layout[number, strides]

    def write_into(self, tensors: Mapping[int, Tensor]) -> None:
        bits, moves, values = [], [], []
        for number, tensor in tensors.items():
            mask, value = self._each_moves[number], self._each_value[number]
            if self._is_told_as_bits(tensor) and tensor.stride() == mask.stride():
                bits.append(tensor.detach().view(self._integer))
                moves.append(mask)
                values.append(value)
            else:
                tensor.copy_(torch.where(mask == 0, value.view(self._dtype).to(tensor), tensor))
        if bits:
            torch._foreach_mul_(bits, moves)
            torch._foreach_add_(bits, values)

    def values(self, number: int) -> Tensor:
        return self._each_value[number].view(self._dtype)


def together_nbytes(parameter: Tensor) -> int:
    """The memory that a small parameter's rows take: values and a mask of its own size, and what differed."""
    return _piece(parameter) * (2 * parameter.element_size() + 1)


def _piece(parameter: Tensor) -> int:
    return -(-parameter.numel() // _ALIGNED) * _ALIGNED


def _pieces(parameters: Sequence[Tensor]) -> tuple[list[int], int]:
    """Where each parameter's piece begins, in values, and how many there are in all."""
    starts, size = [], 0
    for parameter in parameters:
        starts.append(size)
        size += _piece(parameter)
    return starts, size
