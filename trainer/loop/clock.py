"""How long the parts of a training step take, measured without holding anything up."""

from collections.abc import Sequence
from itertools import pairwise
from time import perf_counter

import torch

from trainer.costs import StepTimes

STEPS_TIMED = 24
"""Of an epoch on a GPU, spread evenly over it; a CPU's clock costs so little that all are timed."""


class StepClock:
    """Times the batches of one epoch after the other. Of a step of several batches all are timed, or none.

    On a GPU its own events are used, since the CPU runs ahead of it; they are read at the epoch's end.

    Args:
        device: that trains.
        batches: of each epoch.
        batches_a_step: whose gradients make one step.
    """

    def __init__(self, device: torch.device, batches: int, batches_a_step: int) -> None:
        self._on_gpu = device.type == "cuda"
        self._batches, self._batches_a_step = batches, batches_a_step
        self._stride = max(1, batches // batches_a_step // STEPS_TIMED) if self._on_gpu else 1
        self._timed: dict[int, list[float | torch.cuda.Event]] = {}
        self._now: list[float | torch.cuda.Event] | None = None

    def begin_epoch(self) -> None:
        """Forgets the epoch before."""
        self._timed = {}

    def begin(self, batch: int) -> None:
        """A batch of the epoch begins, from 0."""
        timed = batch // self._batches_a_step % self._stride == 0
        self._now = self._timed.setdefault(batch, []) if timed else None
        self.lap()

    def lap(self) -> None:
        """One part of the batch is over: forward, then backward, then the optimizer's."""
        if self._now is not None:
            self._now.append(self._stamp())

    def _stamp(self) -> float | torch.cuda.Event:
        if not self._on_gpu:
            return perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def times(self, probe_seconds: float) -> StepTimes:
        """What the epoch's batches took; the first step is left out of the means, where there are others.

        Args:
            probe_seconds: of the measurement of φ at its end.
        """
        laps = {batch: _between(stamps) for batch, stamps in self._timed.items()}
        later = [each for batch, each in laps.items() if batch >= self._batches_a_step] or list(laps.values())
        forward, backward, optimizer = (sum(column) / len(later) for column in zip(*later, strict=True))
        return StepTimes(
            forward=forward,
            backward=backward,
            optimizer=optimizer,
            probe=1e3 * probe_seconds / self._batches,
            first=sum(laps[0]),
            batches=len(later),
        )


def _between(stamps: Sequence[float | torch.cuda.Event]) -> list[float]:
    """Milliseconds from each stamp to the next."""
    pairs = list(pairwise(stamps))
    if isinstance(stamps[-1], torch.cuda.Event):
        stamps[-1].synchronize()
    return [
        1e3 * (later - earlier)
        if isinstance(earlier, float) and isinstance(later, float)
        else earlier.elapsed_time(later)  # type: ignore[union-attr,arg-type]
        for earlier, later in pairs
    ]
