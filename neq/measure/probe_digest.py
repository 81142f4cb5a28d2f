"""Whether the probe set is what it was: a sum over the bits of what the model is fed, batch by batch."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from enum import Enum
from hashlib import blake2b
from numbers import Number
from pathlib import PurePath
from typing import Any

import torch
from torch import Tensor

from neq.checks import Checks
from neq.errors import ProbeChanged, ProbeNotCompared

Digest = tuple[tuple[tuple[int, ...], int], ...]
"""Shape and sum of every tensor of a batch, and of all else that it holds."""

_PLAIN = (str, Number, Enum, PurePath, range, slice, date, time, timedelta, torch.dtype, torch.device, type(None))
"""What its own text tells from others of its kind."""

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
        if not self._checks.on:
            return
        try:
            self._now.append(digest(batch if self._own_forward else _inputs(batch)))
        except NotComparable as unknown:
            self._now.append(())
            self._checks.doubtful(
                ProbeNotCompared(
                    f"the probe batches hold objects of type {unknown}, of which NEq cannot tell whether they are the "
                    "same in every epoch: make sure that they are, or φ compares different samples; tensors, arrays, "
                    "texts, numbers and containers of these are compared"
                ),
                once=True,
            )

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
    """What tells a batch from another, nested as it may be; equal for equal bits in the same places.

    Raises:
        NotComparable: it holds an object of which nothing is known.
    """
    found = [one if isinstance(one, tuple) else (tuple(one.shape), _sum(one.detach())) for one in _leaves(batch, ())]
    return tuple((shape, int(value)) for shape, value in found)


class NotComparable(TypeError):
    """An object of which it cannot be said whether it is what it was."""


def _leaves(value: Any, within: tuple[int, ...]) -> Iterator[Tensor | tuple[tuple[int, ...], int]]:
    """Dense tensors and sums of everything else, in order.

    Args:
        within: ids of the objects around it, some of which refer to each other.
    """
    if isinstance(value, Tensor):
        yield from _dense(value)
    elif isinstance(value, _PLAIN):
        yield _of_bytes(repr(value).encode("utf-8", "surrogatepass"))
    elif isinstance(value, bytes | bytearray | memoryview):
        yield _of_bytes(bytes(value))
    elif id(value) not in within:
        for part in _parts_of(value):
            yield from _leaves(part, (*within, id(value)))


def _dense(tensor: Tensor) -> Iterator[Tensor]:
    """The tensors that one of another layout is made of."""
    if tensor.is_nested:
        for one in tensor.unbind():
            yield from _dense(one)
    elif tensor.is_quantized:
        yield tensor.int_repr()
    elif tensor.layout == torch.sparse_coo:
        whole = tensor.coalesce()
        yield from (whole.indices(), whole.values())
    elif tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        yield from (tensor.crow_indices(), tensor.col_indices(), tensor.values())
    elif tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        yield from (tensor.ccol_indices(), tensor.row_indices(), tensor.values())
    else:
        yield tensor


def _parts_of(value: Any) -> Iterator[Any]:
    """What a container, an array, an image or an object with attributes is made of."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from (key, one)
    elif isinstance(value, tuple | list):
        yield from value
    elif isinstance(value, Set):
        yield sorted(map(repr, value))
    elif hasattr(value, "dtype") and hasattr(value, "tolist"):  # an array of numpy's, which need not be installed
        yield from (str(value.dtype), value.shape, value.tolist() if value.dtype.hasobject else value.tobytes())
    elif hasattr(value, "tobytes") and hasattr(value, "size"):  # an image of Pillow's
        yield from (value.size, value.tobytes())
    elif hasattr(value, "__array__"):
        yield value.__array__()
    elif is_dataclass(value):
        yield from (getattr(value, field.name) for field in fields(value))
    elif hasattr(value, "__dict__") and not callable(value):
        yield dict(vars(value))
    else:
        raise NotComparable(type(value).__name__)


def _of_bytes(value: bytes) -> tuple[tuple[int, ...], int]:
    return (len(value),), int.from_bytes(blake2b(value, digest_size=8).digest(), "little")


@torch.no_grad()
def _sum(tensor: Tensor) -> Tensor:
    """Of the bits as integers, each times an odd number of its own, so that places count; modulo 2⁶⁴."""
    flat = torch.view_as_real(tensor.resolve_conj()).reshape(-1) if tensor.is_complex() else tensor.reshape(-1)
    bits = flat.to(torch.uint8) if flat.dtype == torch.bool else flat.contiguous().view(_BITS[flat.element_size()])
    odd = torch.arange(1, 2 * min(_PIECE, max(bits.numel(), 1)), 2, device=bits.device)
    found = torch.zeros((), dtype=torch.int64, device=bits.device)
    for piece in bits.split(_PIECE):
        found = found * 1_000_003 + (piece.to(torch.int64) * odd[: piece.numel()]).sum()
    return found
