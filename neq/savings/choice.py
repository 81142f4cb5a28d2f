"""Whether computing some rows of a weight gradient beats computing all of them: measured, where it is to be used.

The first backward pass after a change of the masks times both on the very tensors that it has in hand. What was found
holds in this process for every layer of the same shape and about the same number of active rows. Here it is decided for
a CPU, layer by layer; for other devices see `measuring`.
"""

import math
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from neq.device.blocks import rows_together
from neq.savings.gradients import Geometry, Rows, in_blocks, of_rows, transposed, whole

GradientMethod = Literal["dense", "rows", "transposed"]
"""All rows; the active ones alone, in whole blocks; those alone, with input and gradient in each other's place."""

SWAP_MS = 0.12
"""What a layer with its own gradient costs a step on a CPU beside the gradient: 95-125 µs measured on one core."""

MARGIN = 0.05
"""Rows must be faster than the whole by this fraction of it, which is above the noise of the measurement."""

ROUNDS = 3

FEW = 3
"""Up to so many channels oneDNN has kernels of their own, which take a tenth of the time of a block's."""


@dataclass(frozen=True)
class MethodChoice:
    """The way that was chosen, and why.

    Attributes:
        final: holds until the masks change; else the next backward pass chooses anew.
    """

    way: GradientMethod
    reason: str
    dense_ms: float | None = None
    rows_ms: float | None = None
    final: bool = True


@dataclass(frozen=True)
class WeightGradientTask:
    """One backward pass of one layer.

    Attributes:
        mask: bool on the CPU, true is frozen.
        there: the mask's rows on the gradient's device, where they are known already.
    """

    geometry: Geometry
    inputs: Tensor
    gradient: Tensor
    weight: Tensor
    bias: bool
    mask: Tensor
    there: Rows | None = None

    def rows(self) -> Rows:
        """Those that must be computed."""
        device = self.gradient.device
        if self.there is not None and self.there.active.device == device:
            return self.there
        return Rows.of(self.mask, rows_together(device)).to(device)

    def ways(self, rows: Rows) -> tuple[GradientMethod, ...]:
        """Those that leave some rows out. To transpose a convolution helps the registers of a CPU only."""
        some: tuple[GradientMethod, ...] = ("rows",) if rows.computed.numel() < self.mask.numel() else ()
        transposes = self.gradient.device.type == "cpu" and self.geometry.transposes(self.weight.shape)
        return (*some, "transposed") if transposes else some

    def run(self, way: GradientMethod, rows: Rows) -> tuple[Tensor, ...]:
        """The gradients, frozen rows zero."""
        if way == "dense":
            return tuple(part.index_fill_(0, rows.frozen, 0) for part in self.whole())
        given = self.geometry, self.inputs, self.gradient, self.weight
        return (of_rows if way == "rows" else transposed)(*given, rows, bias=self.bias)

    def whole(self) -> tuple[Tensor, ...]:
        """The gradients, of all rows."""
        return whole(self.geometry, self.inputs, self.gradient, self.weight, bias=self.bias)

    def key(self) -> Hashable:
        """What decides how fast it is: shapes, types, layout, device, threads, and about how many rows are active."""
        active = int((~self.mask).sum())
        return (
            self.geometry,
            *((tuple(t.shape), t.stride(), t.dtype) for t in (self.inputs, self.gradient, self.weight)),
            self.bias,
            self.gradient.device,
            torch.get_num_threads(),
            active if active <= FEW else in_blocks(active, rows_together(self.gradient.device)),
        )


_chosen: dict[Hashable, MethodChoice] = {}
_sound: dict[Hashable, bool] = {}


class _NotFiniteError(Exception):
    """The gradients are no numbers, and tell nothing."""


def choose(task: WeightGradientTask, force: GradientMethod | None = None) -> MethodChoice:
    """The fastest way on a CPU; measured the first time that such a task comes up in this process.

    Args:
        force: chosen without measuring where it gives the bits of the whole; else the next that does.
    """
    rows = task.rows()
    told = without_trying(task, rows, force)
    if told is not None:
        return told
    try:
        return _chosen_way(task, rows, force)
    except _NotFiniteError:
        return NOT_FINITE


def without_trying(task: WeightGradientTask, rows: Rows, force: GradientMethod | None) -> MethodChoice | None:
    """What needs no trial, because there is nothing to choose; None where it does."""
    if force == "dense":
        return MethodChoice("dense", "told to compute all rows")
    return None if task.ways(rows) else MethodChoice("dense", "its active neurons fill all blocks")


def _chosen_way(task: WeightGradientTask, rows: Rows, force: GradientMethod | None) -> MethodChoice:
    ways = task.ways(rows)
    if force is not None:
        sound = [way for way in sorted(ways, key=lambda way: way != force) if _is_sound(task, rows, way)]
        return MethodChoice(sound[0], FORCED) if sound else ROUNDED
    key = task.key()
    if key not in _chosen:
        _chosen[key] = _measured(task, rows, [way for way in ways if _is_sound(task, rows, way)])
    found = _chosen[key]
    return found if found.way == "dense" or _is_sound(task, rows, found.way) else ROUNDED


def forget() -> None:
    """Measures everything anew when it next comes up."""
    _chosen.clear()
    _sound.clear()


FORCED = "told to compute active rows alone"
ROUNDED = MethodChoice("dense", "rows computed alone would be rounded in another way")
NO_MEMORY = MethodChoice("dense", "there was not enough memory left to try whether some rows alone are faster")
NOT_FINITE = MethodChoice("dense", "its gradients were not finite, and so told nothing", final=False)


def _is_sound(task: WeightGradientTask, rows: Rows, way: GradientMethod) -> bool:
    """Whether this way gives the bits of the whole, for just so many rows: kernels are picked by their number."""
    key = task.key(), rows.active.numel(), way
    if key not in _sound:
        found, dense = task.run(way, rows), task.run("dense", rows)
        same = _same(found, dense)
        # NaN is never the same, so that one look at the smaller tensor is enough where the bits are.
        if not all(map(_is_finite, [min(task.gradient, dense[0], key=Tensor.numel)] if same else dense)):
            raise _NotFiniteError
        _sound[key] = same
    return _sound[key]


def _is_finite(tensor: Tensor) -> bool:
    """By the sum, which takes a tenth of the time of looking at each number."""
    return bool(tensor.sum(dtype=torch.promote_types(tensor.dtype, torch.float32)).isfinite())


def _measured(task: WeightGradientTask, rows: Rows, ways: Sequence[GradientMethod]) -> MethodChoice:
    if not ways:
        return ROUNDED
    times = dict.fromkeys(("dense", *ways), math.inf)
    # One thread's own time where only one works, so that no other program weighs on the choice.
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    for _ in range(ROUNDS):
        for way in times:
            start = clock()
            task.run(way, rows)
            times[way] = min(times[way], (clock() - start) * 1e3)
    best = min(ways, key=times.__getitem__)
    rows_ms, dense_ms = times[best], times["dense"]
    reason = f"measured {rows_ms:.2f} ms instead of {dense_ms:.2f} ms"
    if rows_ms + SWAP_MS < dense_ms * (1 - MARGIN):
        return MethodChoice(best, reason, dense_ms, rows_ms)
    if rows_ms >= dense_ms:
        return MethodChoice(
            "dense", f"measured {rows_ms:.2f} ms, and {dense_ms:.2f} ms for all rows", dense_ms, rows_ms
        )
    return MethodChoice("dense", f"{reason}: less than the detour and the noise are worth", dense_ms, rows_ms)


def _same(found: tuple[Tensor, ...], dense: tuple[Tensor, ...]) -> bool:
    """On one thread to the bit; on several, sums are split in other places, and rounding is allowed for."""
    if torch.get_num_threads() == 1:
        return all(torch.equal(one, other) for one, other in zip(found, dense, strict=True))
    tolerance = 16 * torch.finfo(dense[0].dtype).eps
    return all(
        bool((one - other).abs().max() <= tolerance * other.abs().max().clamp(min=torch.finfo(other.dtype).tiny))
        for one, other in zip(found, dense, strict=True)
    )
