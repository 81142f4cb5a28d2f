"""Whether computing some rows of a weight gradient beats computing all of them: measured, where it is to be used.

The first backward pass after a change of the masks times both on the very tensors that it has in hand. What was found
holds in this process for every layer of the same shape and about the same number of active rows.
"""

import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from trainer.neq.savings.gradients import Geometry, Rows, in_blocks, of_rows, whole

Force = Literal["rows", "dense"]
"""A choice made without measuring, for tests and comparisons."""

SWAP_MS = 0.12
"""What a layer with its own gradient costs a step beside the gradient itself: 95-125 µs measured on one CPU core."""

MARGIN = 0.05
"""Rows must be faster than the whole by this share of it, which is above the noise of the measurement."""

ROUNDS = 3


@dataclass(frozen=True)
class Choice:
    """Compute some rows alone, or all; and why."""

    rows: bool
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
        return Rows.filled(self.mask).to(self.gradient.device)

    def key(self) -> Hashable:
        """What decides how fast it is: shapes, types, layout, device, threads, and the number of active rows."""
        active = int((~self.mask).sum())
        return (
            self.geometry,
            *((tuple(t.shape), t.stride(), t.dtype) for t in (self.inputs, self.gradient, self.weight)),
            self.bias,
            self.gradient.device,
            torch.get_num_threads(),
            in_blocks(active),
        )


_chosen: dict[Hashable, Choice] = {}


def choose(task: Task, force: Force | None = None) -> Choice:
    """The faster way; measured the first time that such a task comes up in this process.

    Args:
        force: chosen without measuring; rows only where they have the bits of the whole.
    """
    if force == "dense":
        return Choice(False, "told to compute all rows")
    rows = task.rows()
    if rows.computed.numel() == task.mask.numel():
        return Choice(False, "its active neurons fill all blocks")
    key = (task.key(), force)
    if key not in _chosen:
        _chosen[key] = _measured(task, rows) if force is None else _checked(task, rows)
    return _chosen[key]


def forget() -> None:
    """Measures everything anew when it next comes up."""
    _chosen.clear()


def _checked(task: Task, rows: Rows) -> Choice:
    if _same(_rows(task, rows), _dense(task, rows), task):
        return Choice(True, "told to compute active rows alone")
    return Choice(False, "rows computed alone would be rounded in another way")


def _measured(task: Task, rows: Rows) -> Choice:
    choice = _checked(task, rows)
    if not choice.rows:
        return choice
    dense_ms = rows_ms = math.inf
    for _ in range(ROUNDS):
        dense_ms = min(dense_ms, _milliseconds(lambda: _dense(task, rows), task.gradient.device))
        rows_ms = min(rows_ms, _milliseconds(lambda: _rows(task, rows), task.gradient.device))
    if rows_ms + SWAP_MS < dense_ms * (1 - MARGIN):
        return Choice(True, f"measured {rows_ms:.2f} ms instead of {dense_ms:.2f} ms", dense_ms, rows_ms)
    reason = f"measured {rows_ms:.2f} ms instead of {dense_ms:.2f} ms: less than the detour and the noise are worth"
    return Choice(False, reason, dense_ms, rows_ms)


def _dense(task: Task, rows: Rows) -> tuple[Tensor, ...]:
    found = whole(task.geometry, task.inputs, task.gradient, task.weight, bias=task.bias)
    return tuple(part.index_fill_(0, rows.frozen, 0) for part in found)


def _rows(task: Task, rows: Rows) -> tuple[Tensor, ...]:
    return of_rows(task.geometry, task.inputs, task.gradient, task.weight, rows, bias=task.bias)


def _same(found: tuple[Tensor, ...], dense: tuple[Tensor, ...], task: Task) -> bool:
    """On one CPU thread to the bit; elsewhere sums are split in other places, and rounding is allowed for."""
    if task.gradient.device.type == "cpu" and torch.get_num_threads() == 1:
        return all(torch.equal(one, other) for one, other in zip(found, dense, strict=True))
    tolerance = 16 * torch.finfo(dense[0].dtype).eps
    return all(
        bool((one - other).abs().max() <= tolerance * other.abs().max().clamp(min=torch.finfo(other.dtype).tiny))
        for one, other in zip(found, dense, strict=True)
    )


def _milliseconds(way: Callable[[], object], device: torch.device) -> float:
    _wait(device)
    start = time.perf_counter()
    way()
    _wait(device)
    return (time.perf_counter() - start) * 1e3


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
