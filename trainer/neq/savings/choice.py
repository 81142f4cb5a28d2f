"""Whether computing some rows of a weight gradient beats computing all of them: measured, where it is to be used.

The first backward pass after a change of the masks times both on the very tensors that it has in hand. What was found
holds in this process for every layer of the same shape and about the same number of active rows.
"""

import math
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from trainer.neq.savings.gradients import Geometry, Rows, in_blocks, of_rows, turned, whole

Way = Literal["dense", "rows", "turned"]
"""All rows; the active ones alone, in whole blocks; those alone, with input and gradient in each other's place."""

SWAP_MS = 0.12
"""What a layer with its own gradient costs a step beside the gradient itself: 95-125 µs measured on one CPU core."""

MARGIN = 0.05
"""Rows must be faster than the whole by this share of it, which is above the noise of the measurement."""

ROUNDS = 3

FEW = 3
"""Up to so many channels oneDNN has kernels of their own, which take a tenth of the time of a block's."""


@dataclass(frozen=True)
class Choice:
    """The way that was chosen, and why."""

    way: Way
    reason: str
    dense_ms: float | None = None
    rows_ms: float | None = None


@dataclass(frozen=True)
class Task:
    """One backward pass of one layer. `mask` is bool on the CPU, true is frozen."""

    geometry: Geometry
    inputs: Tensor
    gradient: Tensor
    weight: Tensor
    bias: bool
    mask: Tensor

    def rows(self) -> Rows:
        """Those that must be computed."""
        return Rows.of(self.mask).to(self.gradient.device)

    def ways(self, rows: Rows) -> tuple[Way, ...]:
        """Those that leave some rows out."""
        some: tuple[Way, ...] = ("rows",) if rows.computed.numel() < self.mask.numel() else ()
        return (*some, "turned") if self.geometry.turns(self.weight.shape) else some

    def run(self, way: Way, rows: Rows) -> tuple[Tensor, ...]:
        """The gradients, frozen rows zero."""
        given = self.geometry, self.inputs, self.gradient, self.weight
        if way == "dense":
            found = whole(*given, bias=self.bias)
            return tuple(part.index_fill_(0, rows.frozen, 0) for part in found)
        return (of_rows if way == "rows" else turned)(*given, rows, bias=self.bias)

    def key(self) -> Hashable:
        """What decides how fast it is: shapes, types, layout, device, threads, and about how many rows are active."""
        active = int((~self.mask).sum())
        return (
            self.geometry,
            *((tuple(t.shape), t.stride(), t.dtype) for t in (self.inputs, self.gradient, self.weight)),
            self.bias,
            self.gradient.device,
            torch.get_num_threads(),
            active if active <= FEW else in_blocks(active),
        )


_chosen: dict[Hashable, Choice] = {}
_sound: dict[Hashable, bool] = {}


def choose(task: Task, force: Way | None = None) -> Choice:
    """The fastest way; measured the first time that such a task comes up in this process.

    Args:
        force: chosen without measuring where it gives the bits of the whole; else the next that does.
    """
    if force == "dense":
        return Choice("dense", "told to compute all rows")
    rows = task.rows()
    ways = task.ways(rows)
    if not ways:
        return Choice("dense", "its active neurons fill all blocks")
    if force is not None:
        sound = [way for way in sorted(ways, key=lambda way: way != force) if _is_sound(task, rows, way)]
        return Choice(sound[0], "told to compute active rows alone") if sound else _ROUNDED
    key = task.key()
    if key not in _chosen:
        _chosen[key] = _measured(task, rows, [way for way in ways if _is_sound(task, rows, way)])
    found = _chosen[key]
    return found if found.way == "dense" or _is_sound(task, rows, found.way) else _ROUNDED


def forget() -> None:
    """Measures everything anew when it next comes up."""
    _chosen.clear()
    _sound.clear()


_ROUNDED = Choice("dense", "rows computed alone would be rounded in another way")


def _is_sound(task: Task, rows: Rows, way: Way) -> bool:
    """Whether this way gives the bits of the whole, for just so many rows: kernels are picked by their number."""
    key = task.key(), rows.active.numel(), way
    if key not in _sound:
        _sound[key] = _same(task.run(way, rows), task.run("dense", rows), task)
    return _sound[key]


def _measured(task: Task, rows: Rows, ways: Sequence[Way]) -> Choice:
    if not ways:
        return _ROUNDED
    times = dict.fromkeys(("dense", *ways), math.inf)
    clock = _clock(task.gradient.device)
    for _ in range(ROUNDS):
        for way in times:
            start = clock()
            task.run(way, rows)
            times[way] = min(times[way], (clock() - start) * 1e3)
    best = min(ways, key=times.__getitem__)
    rows_ms, dense_ms = times[best], times["dense"]
    reason = f"measured {rows_ms:.2f} ms instead of {dense_ms:.2f} ms"
    if rows_ms + SWAP_MS < dense_ms * (1 - MARGIN):
        return Choice(best, reason, dense_ms, rows_ms)
    if rows_ms >= dense_ms:
        return Choice("dense", f"measured {rows_ms:.2f} ms, and {dense_ms:.2f} ms for all rows", dense_ms, rows_ms)
    return Choice("dense", f"{reason}: less than the detour and the noise are worth", dense_ms, rows_ms)


def _clock(device: torch.device) -> Callable[[], float]:
    """Seconds. One thread's own time where only one works, so that no other program weighs on the choice."""
    if device.type == "cuda":

        def synchronised() -> float:
            torch.cuda.synchronize(device)
            return time.perf_counter()

        return synchronised
    return time.thread_time if torch.get_num_threads() == 1 else time.perf_counter


def _same(found: tuple[Tensor, ...], dense: tuple[Tensor, ...], task: Task) -> bool:
    """On one CPU thread to the bit; elsewhere sums are split in other places, and rounding is allowed for."""
    if task.gradient.device.type == "cpu" and torch.get_num_threads() == 1:
        return all(torch.equal(one, other) for one, other in zip(found, dense, strict=True))
    tolerance = 16 * torch.finfo(dense[0].dtype).eps
    return all(
        bool((one - other).abs().max() <= tolerance * other.abs().max().clamp(min=torch.finfo(other.dtype).tiny))
        for one, other in zip(found, dense, strict=True)
    )
