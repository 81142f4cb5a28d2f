"""What a training step saved, judged: a measured change is told with its spread, or why it is not.

This is the one place that decides; what it says travels in the epoch's event, and the page, the API and the command
line only word it. This module imports pydantic alone, as `costs` does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Literal

from contract.costs import Change, Doubt, Range, Saving, StepFlops

ENOUGH_BATCHES = 5
"""Below so many batches, ordinary or dense, there is no spread to speak of."""

WIDEST = 0.5
"""A spread of half a dense step or more tells nothing."""

HELD_UP = 1.5
"""Where the clock on the wall runs so many times as long as the processor's, the machine is called busy."""

_LEAST_MS = 1e-6
"""What a clock reads where nothing was done: ratios need more than 0."""

Part = Literal["backward", "step"]


@dataclass(frozen=True, slots=True)
class TimedBatch:
    """Milliseconds of one batch; the optimizer's are shared out over the batches of its step."""

    forward: float
    backward: float
    optimizer: float

    @property
    def step(self) -> float:
        """All of it."""
        return self.forward + self.backward + self.optimizer

    def of(self, part: Part, *, forwards: bool) -> float:
        """Milliseconds of a part, or that part over the forward pass."""
        value = self.backward if part == "backward" else self.step
        return max(value, _LEAST_MS) / (max(self.forward, _LEAST_MS) if forwards else 1.0)


def spread(values: Sequence[float]) -> Range:
    """The percentiles of one value at least; those of few values lie between them."""
    if len(values) == 1:
        return Range(low=values[0], median=values[0], high=values[0])
    deciles = quantiles(values, n=10, method="inclusive")
    return Range(low=deciles[0], median=deciles[4], high=deciles[-1])


@dataclass(frozen=True)
class Comparison:
    """An epoch's batches beside dense ones.

    Attributes:
        ordinary: those of the epoch.
        dense: of the same epoch, or of others.
        scaled: compare multiples of the forward pass, since the dense ones are of other epochs.
        left_out: whether something frozen was left out; if not, the epoch's own batches are dense.
        held_up: as in `Saving`.
    """

    ordinary: Sequence[TimedBatch]
    dense: Sequence[TimedBatch]
    scaled: bool
    left_out: bool
    held_up: float | None

    def change(self, part: Part) -> Range:
        """The epoch's median over the dense one, less 1; with both spreads."""
        now, before = (
            spread([batch.of(part, forwards=self.scaled) for batch in batches])
            for batches in (self.ordinary, self.dense)
        )
        return _ratio(now, before)

    @property
    def busy(self) -> bool:
        """Whether other programs held the processor for long."""
        return self.held_up is not None and self.held_up > HELD_UP

    def too_few(self) -> Doubt | None:
        """Why nothing can be measured at all."""
        if len(self.ordinary) < ENOUGH_BATCHES:
            return "few_batches"
        if len(self.dense) < ENOUGH_BATCHES:
            return "few_batches" if self.dense else "no_dense_step"
        return None


def _ratio(now: Range, before: Range) -> Range:
    """One over the other, less 1. Relative spreads are added in squares, as of measurements that are independent."""
    middle = now.median / before.median
    below = math.hypot(math.log(now.median / now.low), math.log(before.high / before.median))
    above = math.hypot(math.log(now.high / now.median), math.log(before.median / before.low))
    return Range(low=middle * math.exp(-below) - 1, median=middle - 1, high=middle * math.exp(above) - 1)


def judged(comparison: Comparison, flops: StepFlops, *, probe: float) -> Saving:
    """What can be told of an epoch.

    Args:
        flops: counted under the epoch's plans and masks.
        probe: measuring φ, as a fraction of the dense step.
    """
    step = _told("step", comparison, *_counted(flops, flops.forward))
    phi = None
    if (told := step.measured) is not None:
        phi = Range(low=told.low + probe, median=told.median + probe, high=told.high + probe)
    backward = _told("backward", comparison, *_counted(flops, 0))
    return Saving(backward=backward, step=step, with_phi=phi, held_up=comparison.held_up, busy=comparison.busy)


def _counted(flops: StepFlops, forward: int) -> tuple[float, float]:
    """The change by operations done, and by the least, with so many of a forward pass."""
    dense = forward + flops.dense_inputs + flops.dense_weights
    if not dense:
        return 0.0, 0.0
    done, least = forward + flops.inputs + flops.weights, forward + flops.least_inputs + flops.least_weights
    return done / dense - 1, least / dense - 1


def _told(part: Part, comparison: Comparison, flops: float, bound: float) -> Change:
    doubt = comparison.too_few()
    if doubt is not None:
        return Change(flops=flops, bound=bound, doubt=doubt)
    measured = comparison.change(part)
    doubt = _doubt(measured, comparison, bound)
    return Change(flops=flops, bound=bound, measured=None if doubt else measured, doubt=doubt)


def _doubt(measured: Range, comparison: Comparison, bound: float) -> Doubt | None:
    if measured.high - measured.low > WIDEST:
        return "busy" if comparison.busy else "spread"
    if not comparison.left_out:
        return None if measured.low <= 0 <= measured.high else "drifted"
    return "beyond_bound" if measured.high < bound else None
