"""Frozen rows of parameters on a GPU: told in few kernels, and nothing of a step waits for the device.

Rows are held by masks in the parameters' own layout: an index would take a kernel a parameter and more where torch has
to sort. What else than an optimizer's step changes them is found and counted on the device, and read once an epoch.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neq.freeze.held import NEGLIGIBLE
from neq.network.layers import WatchedLayer


@dataclass(frozen=True, eq=False)
class FrozenRows:
    """Which rows of a parameter are frozen.

    Attributes:
        neurons: their numbers, int64 on the CPU.
    """

    parameter: nn.Parameter
    layer: WatchedLayer
    neurons: Tensor

    @property
    def whole(self) -> bool:
        """Whether all of them are."""
        return self.neurons.numel() == self.layer.neurons

    def place(self, like: Tensor) -> tuple[Tensor, ...]:
        """What to index `layer.rows(like)` with, to reach them; like: of the parameter's shape, on any device."""
        return self.layer.place(self.neurons.to(like.device), like)

    def differing(self, differs: Tensor) -> Tensor:
        """The neurons (int64) with any true value in a bool tensor of the parameter's shape on the CPU."""
        found = self.layer.rows(differs)[self.place(differs)].reshape(self.neurons.numel(), -1).any(dim=1)
        return self.neurons[found]


class HeldOnDevice(ABC):
    """Frozen rows of some parameters of one device and type, from one change of the masks to the next.

    As `HeldRows`, an optimizer's step does not move them, and what anybody else writes into them is kept and noticed.
    Torch counts the writes to a tensor, but not those through `.data`, for which values are compared before the steps
    0, 1, 2, 4, 8, …, and wherever a write was counted: who writes to parameters after each step, by `clamp_` for one,
    has them compared before each, which takes some dozens of kernels more.

    Args:
        frozen: the rows; each parameter once.
        model_may_follow: as `HeldRows` has it.

    Attributes:
        captured: whether a CUDA graph was captured that reads masks and values at the places where they are.
    """

    def __init__(self, frozen: Sequence[FrozenRows], *, model_may_follow: bool = False) -> None:
        self.frozen = tuple(frozen)
        self.parameters = tuple(one.parameter for one in frozen)
        self.model_may_follow = model_may_follow
        self.steps = 0
        self.captured = False
        self._layouts = [_layout(parameter) for parameter in self.parameters]
        self._places = [parameter.data_ptr() for parameter in self.parameters]
        self._writes = [0] * len(frozen)
        self._notice_writes()

    def _notice_writes(self) -> None:
        self._seen = [parameter._version for parameter in self.parameters]
        self._seen_at = self._places

    def fits(self) -> bool:
        """Whether the parameters have the device, type and layout that this was made for. To be asked first: it looks
        where they lie now."""
        places = [parameter.data_ptr() for parameter in self.parameters]
        if places != self._places:
            if [_layout(parameter) for parameter in self.parameters] != self._layouts:
                return False
            self._places = places
            self._find()
        return True

    def take(self) -> None:
        """Looks before a step at what they are."""
        captured = self.notice_capture()
        if not captured and self._must_compare():
            self.notice()
        self.steps += 1

    def notice_capture(self) -> bool:
        """Whether what is computed now is written into a CUDA graph."""
        now = _is_captured(self.parameters[0])
        self.captured |= now
        return now

    def _must_compare(self) -> bool:
        if self.steps & (self.steps - 1) == 0 or self.parameters[0].device.type == "cpu":
            return True
        return self._seen_at != self._places or [one._version for one in self.parameters] != self._seen

    def notice(self) -> None:
        """Takes over what they are now."""
        self._compare(told=bool(self.steps) or not self.model_may_follow, counted=bool(self.steps))
        self._notice_writes()

    def is_any_unwritten(self) -> bool:
        """Whether torch counted no write to one of the parameters since the step began."""
        now = zip(self.parameters, self._seen, self._places, self._seen_at, strict=True)
        return any(one._version == version and place == before for one, version, place, before in now)

    def undo(self) -> None:
        """Undoes a step that began and never ended, as `HeldRows.undo`."""
        chosen = []
        for number, parameter in enumerate(self.parameters):
            writes, allowed = parameter._version - self._seen[number], self._writes[number]
            if self._places[number] == self._seen_at[number] and (not allowed or writes <= allowed):
                chosen.append(number)
        self._write(tuple(chosen))

    def restore(self) -> None:
        """Undoes a step. What is frozen whole and got no gradient was not touched by it."""
        versions = [parameter._version for parameter in self.parameters]
        self._writes = [now - before for now, before in zip(versions, self._seen, strict=True)]
        touched = [
            number
            for number, one in enumerate(self.frozen)
            if not one.whole
            or one.parameter.grad is not None
            or self._writes[number]
            or self._places[number] != self._seen_at[number]
        ]
        self._write(tuple(touched))
        self._seen, self._seen_at = versions, self._places

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """The memory on the device that it takes."""

    @abstractmethod
    def _find(self) -> None:
        """The parameters lie elsewhere than before."""

    @abstractmethod
    def _write(self, chosen: tuple[int, ...]) -> None:
        """Puts the rows of these parameters, by number, back."""

    @abstractmethod
    def _compare(self, *, told: bool, counted: bool) -> None:
        """Takes over what they are, and says on the device what differs.

        Args:
            told: it is a move.
            counted: and one in a step's time.
        """

    @abstractmethod
    def has_moved(self) -> Tensor:
        """bool, 0-dimensional, on the device: whether something else than an optimizer's step changed a row."""

    @abstractmethod
    def moved(self) -> list[tuple[FrozenRows, Tensor, int]]:
        """As `Holding.moved`, of those that were; waits for the device."""

    @abstractmethod
    def zero(self, number: int) -> None:
        """Zeroes the frozen rows of a parameter's gradient at once."""

    @abstractmethod
    def zero_together(self, numbers: Sequence[int]) -> None:
        """Zeroes the frozen rows of these parameters' gradients."""

    @abstractmethod
    def write_into(self, tensors: Mapping[int, Tensor]) -> None:
        """Writes the rows into the same places of tensors of the parameters' shapes, by number."""

    @abstractmethod
    def values(self, number: int) -> Tensor:
        """A tensor of the parameter's shape with what is held in its frozen rows."""


class HeldAlone(HeldOnDevice):
    """Frozen rows of one large parameter: a kernel for its gradient, one for its values; its mask has a value a row."""

    def __init__(self, frozen: FrozenRows, *, model_may_follow: bool = False, values: Tensor | None = None) -> None:
        super().__init__((frozen,), model_may_follow=model_may_follow)
        self._parameter, self._rows = frozen.parameter, frozen.layer.rows
        data = self._parameter.data
        self._values = torch.empty_like(data).copy_(data if values is None else values)
        place = frozen.place(data)
        self._leading = len(place)
        rows = self._rows(data)
        chosen = torch.zeros(rows.shape[: self._leading], dtype=torch.bool, device=data.device)
        chosen[place] = torch.ones((), dtype=torch.bool, device=data.device)
        self._mask = chosen[(...,) + (None,) * (rows.dim() - self._leading)]
        self._differed = torch.zeros_like(chosen)
        self._times = torch.zeros((), dtype=torch.int32, device=data.device)

    @property
    def nbytes(self) -> int:
        return self._values.nbytes + self._mask.nbytes + self._differed.nbytes

    def _find(self) -> None:
        """Nothing is kept of where it lies."""

    def _write(self, chosen: tuple[int, ...]) -> None:
        if chosen:
            self._into(self._parameter.data)

    def _into(self, tensor: Tensor) -> None:
        rows = self._rows(tensor)
        torch.where(self._mask, self._rows(self._values.to(tensor)), rows, out=rows)

    def _compare(self, *, told: bool, counted: bool) -> None:
        data = self._parameter.data
        now, before = self._rows(data), self._rows(self._values)
        if told:
            differs = differs_in(now, before).logical_and_(self._mask)
            self._differed |= differs.flatten(self._leading).any(dim=-1) if now.dim() > self._leading else differs
            if counted:
                change = (now - before).masked_fill_(~differs, 0)
                size = before.masked_fill(~self._mask, 0)
                self._times += counts_as_step(_norm(change), _norm(size))
        self._values.copy_(data)

    def has_moved(self) -> Tensor:
        return self._differed.any()

    def moved(self) -> list[tuple[FrozenRows, Tensor, int]]:
        one = self.frozen[0]
        found = one.neurons[self._differed.cpu()[one.layer.place(one.neurons, self._parameter)]]
        return [(one, found, int(self._times))] if found.numel() else []

    def zero(self, number: int) -> None:
        gradient = self._parameter.grad
        if gradient is not None and not gradient.is_sparse:
            self._rows(gradient).masked_fill_(self._mask, 0)

    def zero_together(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self.zero(number)

    def write_into(self, tensors: Mapping[int, Tensor]) -> None:
        for tensor in tensors.values():
            self._into(tensor)

    def values(self, number: int) -> Tensor:
        return self._values


def alone_nbytes(layer: WatchedLayer, parameter: Tensor) -> int:
    """The memory that a large parameter's rows take: values of its own size, and two masks of a value a row."""
    return parameter.nbytes + 2 * layer.neurons


def _layout(tensor: Tensor) -> tuple[torch.device, torch.dtype, torch.Size, tuple[int, ...]]:
    return tensor.device, tensor.dtype, tensor.shape, tensor.stride()


def _is_captured(tensor: Tensor) -> bool:
    return tensor.is_cuda and torch.cuda.is_current_stream_capturing()


def differs_in(now: Tensor, before: Tensor) -> Tensor:
    """bool, value for value; NaN equals NaN, and -0.0 equals 0.0."""
    return (now != before).logical_and_((now == now).logical_or_(before == before))


def _norm(tensor: Tensor) -> Tensor:
    norm: Tensor = tensor.float().norm()
    return norm


def counts_as_step(change: Tensor, size: Tensor) -> Tensor:
    """Whether rows were changed by more than rounding, from the norm of what differs and of the rows."""
    counts: Tensor = (change != 0) & ~(change <= NEGLIGIBLE * size)
    return counts
