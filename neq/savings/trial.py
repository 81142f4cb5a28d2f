"""All rows of a weight gradient beside the active ones, on a device that computes while the host goes on.

What the device takes and what it finds is read later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from neq.device.timing import Load, Piece, Stopwatch, hold_up, synchronize
from neq.savings.balance import Times
from neq.savings.choice import WeightGradientTask
from neq.savings.gradients import Rows

_ROUNDS = 5
"""Each way in every round, in turns, so that each finds what the other left in the device's caches."""

_MOST_HELD_UP_MS = 20.0

_REDUCED = 4
"""Units of rounding that the same sums may differ by where products, or parts of a sum, are rounded to few bits."""

_FULL = 64
"""The same where each product is exact and the order of a long sum alone differs."""

_TF32 = 2.0**-10


@dataclass(frozen=True)
class Trial:
    """Both ways, run in turns; what that took is not read yet."""

    dense: tuple[Piece, ...]
    rows: tuple[Piece, ...]

    def times(self) -> Times:
        """Medians; waits where the device is not through with it."""
        return Times(_median(self.dense), _median(self.rows))


def _median(pieces: tuple[Piece, ...]) -> Load:
    loads = [piece.load() for piece in pieces]
    return Load(median(load.device for load in loads), median(load.host for load in loads))


def tried(task: WeightGradientTask, rows: Rows) -> Trial:
    """Runs both ways, which must have run once before. Waits for the device, once.

    The whole gradient is run without zeroing frozen rows: they are zeroed with those of all layers, whatever the plan.
    While it is told what to do the device is held up, so that it does not wait for its host between the events. Before,
    the host waits for it: a device takes orders of about a thousand kernels ahead, and one that is far behind makes its
    host wait at every order, which would be taken for the host's own time.
    """
    device = task.gradient.device
    ways: tuple[Callable[[], object], ...] = task.whole, lambda: task.run("rows", rows)
    synchronize(device)
    began = perf_counter()
    for run in ways:
        run()
    hold_up(device, min(_MOST_HELD_UP_MS, 2e3 * (_ROUNDS + 1) * (perf_counter() - began)))
    pieces: tuple[list[Piece], ...] = [], []
    for _ in range(_ROUNDS):
        for run, taken in zip(ways, pieces, strict=True):
            watch = Stopwatch(device)
            run()
            taken.append(watch.stop())
    return Trial(tuple(pieces[0]), tuple(pieces[1]))


@dataclass(frozen=True)
class Verdict:
    """Whether both ways find the same, 0-dimensional bool tensors on the device: `same` means nothing where the
    gradients are not `finite`."""

    same: Tensor
    finite: Tensor


def compared(task: WeightGradientTask, rows: Rows) -> Verdict:
    """Whether the active rows computed alone are those of the whole but for rounding, see `tolerance`."""
    found, dense = task.run("rows", rows), task.run("dense", rows)
    fraction = tolerance(task)
    same, finite = [], []
    for one, other in zip(found, dense, strict=True):
        mine, whole = (_as_rows(part, rows) for part in (one, other))
        length = torch.linalg.vector_norm(whole, dim=1)
        # Below the smallest normal number a unit of rounding is no fraction any more.
        least = torch.finfo(other.dtype).smallest_normal * whole.shape[1] ** 0.5
        same.append((torch.linalg.vector_norm(mine - whole, dim=1) <= fraction * (length + least)).all())
        finite.append(length.isfinite().all())
    return Verdict(torch.stack(same).all(), torch.stack(finite).all())


def _as_rows(gradient: Tensor, rows: Rows) -> Tensor:
    """The active rows, one a neuron; a bias is one row, for each of its entries may be a sum that cancels out."""
    active = gradient.index_select(0, rows.active).to(torch.promote_types(gradient.dtype, torch.float32))
    return active.reshape(1, -1) if active.dim() == 1 else active.flatten(1)


def tolerance(task: WeightGradientTask) -> float:
    """How far a row may lie from the whole gradient's, as a fraction of its norm.

    Sums are split in other places, and what is rounded differs: every product and part of a sum where kernels reckon in
    few bits (TF32's 10, those of bfloat16 and float16), else the parts of a long sum alone. A row that is not the same
    sum lies much farther away: in another's place, by more than its norm.
    """
    kind = task.gradient.dtype
    if kind in (torch.bfloat16, torch.float16):
        return _REDUCED * torch.finfo(kind).eps
    if kind == torch.float32 and uses_tf32(task):
        return _REDUCED * _TF32
    return _FULL * torch.finfo(kind).eps


def uses_tf32(task: WeightGradientTask) -> bool:
    """Whether float32 products may be rounded there; asked in torch's newer way, for the older one may raise."""
    if task.gradient.device.type != "cuda":
        return False
    backends: Any = torch.backends
    switch = backends.cudnn.conv if task.geometry.stride else backends.cuda.matmul
    return getattr(switch, "fp32_precision", "none") == "tf32"
