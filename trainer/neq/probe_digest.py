"""Whether the probe set is what it was: a sum over the bits of what the model is fed, batch by batch."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from trainer.neq.checks import Checks
from trainer.neq.errors import ProbeChanged

Digest = tuple[tuple[tuple[int, ...], int], ...]
"""Shape and sum of every tensor of a batch."""

_PIECE = 2**20
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_SAME = "give the same samples in the same order every time: shuffle=False, nothing random in the transforms"


class ProbeDigests:
    """Remembers the batches of the last pass.

    Args:
        own_forward: the caller's own `forward` takes them, so that all of a batch may count, not only its inputs.
    """

    def __init__(self, checks: Checks, *, own_forward: bool) -> None:
        self._checks, self._own_forward = checks, own_forward
        self._before: list[Digest] | None = None
        self._now: list[Digest] = []

    def begin(self) -> None:
        """A pass begins."""
        self._now = []

    def add(self, batch: Any) -> None:
        """Its next batch, before the model gets it."""
        if self._checks.on:
            self._now.append(digest(batch if self._own_forward else _inputs(batch)))

    def end(self) -> None:
        """All of it was seen.

        Raises:
            ProbeChanged: it was another one the last time.
        """
        if self._before is not None and self._before != self._now:
            self._checks.wrong(ProbeChanged(self._difference(self._before), _SAME))
        self._before = self._now

    def check_so_far(self) -> None:
        """The batches that were seen already are what they were.

        Raises:
            ProbeChanged: they are not.
        """
        if self._before is not None and self._now != self._before[: len(self._now)]:
            self._checks.wrong(ProbeChanged(self._difference(self._before[: len(self._now)]), _SAME))

    def _difference(self, before: list[Digest]) -> str:
        if len(before) != len(self._now):
            found = "less" if len(self._now) < len(before) else "more"
            return f"the probe set gave {found} than one epoch earlier ({len(self._now)} batches, {len(before)} then)"
        place = next(n for n, (one, other) in enumerate(zip(before, self._now, strict=True)) if one != other)
        return f"batch {place} of the probe set is not what it was one epoch earlier: φ would compare different samples"


def _inputs(batch: Any) -> Any:
    """What of a batch reaches the model, see `probing.run_model`."""
    if isinstance(batch, Mapping):
        return {key: value for key, value in batch.items() if key != "labels"}
    return batch[0] if isinstance(batch, tuple | list) and batch else batch


def digest(batch: Any) -> Digest:
    """Shapes and sums of the tensors in a batch, nested as it may be; equal for equal bits in the same places."""
    tensors = [tensor.detach() for tensor in _tensors(batch)]
    sums = [_sum(tensor) for tensor in tensors]
    return tuple((tuple(tensor.shape), int(found)) for tensor, found in zip(tensors, sums, strict=True))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _tensors(one)


@torch.no_grad()
def _sum(tensor: Tensor) -> Tensor:
    """Of the bits as integers, each times an odd number of its own, so that places count; modulo 2⁶⁴."""
    if tensor.layout != torch.strided or tensor.is_nested or tensor.is_quantized:
        return torch.zeros((), dtype=torch.int64)
    flat = torch.view_as_real(tensor).reshape(-1) if tensor.is_complex() else tensor.reshape(-1)
    bits = flat.to(torch.uint8) if flat.dtype == torch.bool else flat.contiguous().view(_BITS[flat.element_size()])
    odd = torch.arange(1, 2 * min(_PIECE, max(bits.numel(), 1)), 2, device=bits.device)
    found = torch.zeros((), dtype=torch.int64, device=bits.device)
    for piece in bits.split(_PIECE):
        found = found * 1_000_003 + (piece.to(torch.int64) * odd[: piece.numel()]).sum()
    return found
