"""What curves of different runs may share as their x-axis: how far each run had come, in whatever it took."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from db import MetricPoints
from db.comparing import EpochCosts

Floats = npt.NDArray[np.float64]
XAxis = Literal["epoch", "step", "samples", "elapsed", "seconds", "cpu_seconds", "device_seconds", "flops"]

COST_OF: dict[XAxis, tuple[str, ...]] = {
    "samples": ("samples",),
    "seconds": ("train_seconds",),
    "cpu_seconds": ("cpu_seconds",),
    "device_seconds": ("device_seconds",),
    "flops": ("flops_forward", "flops_inputs", "flops_weights"),
}
"""What each axis adds up, epoch by epoch."""


def places(points: MetricPoints, costs: EpochCosts, axis: XAxis, began: float) -> Floats:
    """Where on the axis each point of a run lies.

    What was logged in an epoch lies where that epoch ended; by samples, seconds of training or FLOPs that is the sum of
    all epochs up to and with it.

    Args:
        began: when the run did, in seconds since 1970: what `elapsed` counts from, interruptions included.

    Returns:
        (N,) float64; NaN where it is not known: the point belongs to no epoch, or an epoch up to it did not tell.
    """
    if axis == "step":
        return points.steps.astype(np.float64)
    if axis == "elapsed":
        return points.times - began
    told = points.epochs.astype(np.float64)
    told[points.epochs < 0] = np.nan
    if axis == "epoch":
        return told
    spent = np.cumsum(np.sum([costs.costs[name] for name in COST_OF[axis]], axis=0))
    found = np.full(points.steps.size, np.nan)
    if costs.epochs.size:
        at = np.searchsorted(costs.epochs, points.epochs).clip(max=costs.epochs.size - 1)
        known = costs.epochs[at] == points.epochs
        found[known] = spent[at[known]]
    return found
