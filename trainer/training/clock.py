"""How long the parts of a training step take, measured without holding anything up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from time import perf_counter, process_time, thread_time

import torch

from contract.costs import Clock
from neq.device.timing import Event, elapsed_ms, event_now, synchronize
from trainer.measured_saving import TimedBatch

STEPS_TIMED = 24
"""Of an epoch on a GPU, spread evenly over it; a CPU's clock costs so little that all are timed."""

Stamp = float | Event


@dataclass
class _Stamps:
    """Of one batch: before it, and after each of its parts; by the clock and by the one on the wall."""

    batch: int
    dense: bool
    clock: list[Stamp] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class TimedEpoch:
    """The batches of an epoch that were timed, without its first step unless there is no other.

    Attributes:
        ordinary: as the plans had it.
        dense: those whose backward pass computed everything, though something was frozen.
        first: milliseconds of the first batch.
        wall: of the ordinary ones, milliseconds by the clock on the wall.
    """

    ordinary: list[TimedBatch]
    dense: list[TimedBatch]
    first: float
    wall: list[float]


class StepClock:
    """Times the batches of one epoch after the other. Of a step of several batches all are timed, or none.

    On a CPU it reads processor time, so that other programs do not count: the training thread's, or where torch
    computes with several threads the process's. On any other device its own events are used, since the CPU runs ahead
    of it; they are read at the epoch's end, and no step waits for them.

    Args:
        device: that trains.
        batches: of each epoch.
        batches_a_step: whose gradients make one step.
        seconds: read instead of the CPU's clock.
    """

    def __init__(
        self, device: torch.device, batches: int, batches_a_step: int, seconds: Callable[[], float] | None = None
    ) -> None:
        one_thread = torch.get_num_threads() == 1
        self.kind: Clock = "device" if device.type != "cpu" else "thread" if one_thread else "process"
        self._device = device
        self._seconds = seconds or (thread_time if one_thread else process_time)
        self._batches_a_step = batches_a_step
        self._stride = max(1, batches // batches_a_step // STEPS_TIMED) if self.kind == "device" else 1
        self._timed: list[_Stamps] = []
        self._now: _Stamps | None = None

    def begin_epoch(self) -> None:
        """Forgets the epoch before."""
        self._timed = []

    def begin(self, batch: int, *, dense: bool = False) -> None:
        """A batch of the epoch begins, from 0; `dense`: its backward pass computes what the plans would leave out."""
        timed = dense or batch // self._batches_a_step % self._stride == 0
        self._now = _Stamps(batch, dense) if timed else None
        if self._now is not None:
            self._timed.append(self._now)
        self.lap()

    def lap(self) -> None:
        """One part of the batch is over: forward, then backward, then the optimizer's."""
        if self._now is not None:
            self._now.clock.append(self._stamp())
            self._now.wall.append(perf_counter())

    def _stamp(self) -> Stamp:
        if self.kind != "device":
            return self._seconds()
        return event_now(self._device)

    def seconds(self) -> float:
        """For what lies between batches: the same clock; on a GPU the one on the wall, once the GPU has caught up."""
        if self.kind != "device":
            return self._seconds()
        synchronize(self._device)
        return perf_counter()

    def timed(self) -> TimedEpoch:
        """What the epoch's batches took."""
        batches = self._batches()
        first = self._timed[0]
        later = [pair for pair in batches if pair[0].batch >= self._batches_a_step] or batches
        ordinary = [pair for pair in later if not pair[0].dense]
        return TimedEpoch(
            ordinary=[times for _, times in ordinary],
            dense=[times for stamps, times in later if stamps.dense],
            first=sum(_between(first.clock)),
            wall=[1e3 * (stamps.wall[-1] - stamps.wall[0]) for stamps, _ in ordinary],
        )

    def _batches(self) -> list[tuple[_Stamps, TimedBatch]]:
        told = []
        for _, group in groupby(self._timed, lambda stamps: stamps.batch // self._batches_a_step):
            step = [(stamps, _between(stamps.clock)) for stamps in group]
            optimizer = sum(laps[2] for _, laps in step) / len(step)
            told += [(stamps, TimedBatch(laps[0], laps[1], optimizer)) for stamps, laps in step]
        return told


def _between(stamps: Sequence[Stamp]) -> list[float]:
    """Milliseconds from each stamp to the next."""
    return [
        1e3 * (later - earlier)
        if isinstance(earlier, float) and isinstance(later, float)
        else elapsed_ms(earlier, later)  # type: ignore[arg-type]
        for earlier, later in pairwise(stamps)
    ]
