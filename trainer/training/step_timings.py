"""Times of an epoch's batches beside those of batches whose backward pass computed everything."""

import platform
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import torch

from contract.config import RunConfig
from contract.costs import DenseStep, Range, Saving, StepFlops, StepRanges, StepTimes
from trainer.measured_saving import ENOUGH_BATCHES, Comparison, TimedBatch, judged, spread
from trainer.training.clock import StepClock, TimedEpoch
from trainer.training.device import device_title

KEPT = 48
"""Dense batches that are remembered, the newest."""

KEPT_OF_AN_EPOCH = 16
"""At most, spread over it."""


class StepTimings:
    """Compares every epoch's batches with dense ones: with its own where there are enough, else with earlier epochs'.

    Args:
        clock: times the batches.
        batches: of an epoch.
        setting: what batches of this run have in common, such as machine and batch size. Dense batches that a
            checkpoint brings from another setting are forgotten.
    """

    def __init__(self, clock: StepClock, batches: int, setting: str) -> None:
        self._clock, self._batches, self._setting = clock, batches, setting
        self._dense: list[tuple[int, TimedBatch]] = []

    def epoch(self, epoch: int, flops: StepFlops, *, probe_seconds: float, left_out: bool) -> tuple[StepTimes, Saving]:
        """What the epoch just trained took, and what that saved.

        Args:
            flops: counted under its plans.
            probe_seconds: of measuring φ at its end, by the clock.
            left_out: something frozen was left out of its ordinary steps; if not, they are dense themselves.
        """
        timed = self._clock.timed()
        own = [(epoch, batch) for batch in timed.dense]
        scaled = len(own) < ENOUGH_BATCHES
        dense = [*self._dense, *own] if scaled else own
        comparison = Comparison(
            timed.ordinary, [batch for _, batch in dense], scaled, left_out, _held_up(self._clock, timed)
        )
        self._remember(own if left_out else [(epoch, batch) for batch in timed.ordinary])
        probe = 1e3 * probe_seconds / self._batches
        told = _dense_step(dense, timed.ordinary, scaled=scaled) if dense else None
        times = _times(self._clock, timed, probe, told)
        return times, judged(comparison, flops, probe=probe / told.step.median if told else 0.0)

    def _remember(self, batches: Sequence[tuple[int, TimedBatch]]) -> None:
        stride = -(-len(batches) // KEPT_OF_AN_EPOCH) or 1
        self._dense = [*self._dense, *batches[::stride]][-KEPT:]

    def state_dict(self) -> dict[str, Any]:
        """The dense batches that are remembered: lists of numbers."""
        dense = [[epoch, batch.forward, batch.backward, batch.optimizer] for epoch, batch in self._dense]
        return {"setting": self._setting, "dense": dense}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Remembers what `state_dict()` told, if it is of the same setting."""
        if state.get("setting") == self._setting:
            self._dense = [(int(epoch), TimedBatch(*parts)) for epoch, *parts in state["dense"]]


def _held_up(clock: StepClock, timed: TimedEpoch) -> float | None:
    taken = sum(batch.step for batch in timed.ordinary)
    return sum(timed.wall) / taken if clock.kind != "device" and taken > 0 else None


def _times(clock: StepClock, timed: TimedEpoch, probe: float, dense: DenseStep | None) -> StepTimes:
    ranges = StepRanges(
        forward=spread([batch.forward for batch in timed.ordinary]),
        backward=spread([batch.backward for batch in timed.ordinary]),
        optimizer=spread([batch.optimizer for batch in timed.ordinary]),
        step=spread([batch.step for batch in timed.ordinary]),
    )
    return StepTimes(
        forward=ranges.forward.median,
        backward=ranges.backward.median,
        optimizer=ranges.optimizer.median,
        probe=probe,
        first=timed.first,
        batches=len(timed.ordinary),
        clock=clock.kind,
        wall=median(timed.wall),
        ranges=ranges if len(timed.ordinary) > 1 else None,
        dense=dense,
    )


def _dense_step(dense: Sequence[tuple[int, TimedBatch]], ordinary: Sequence[TimedBatch], *, scaled: bool) -> DenseStep:
    forward = median(batch.forward for batch in ordinary) if scaled else 1.0

    def times(values: Range) -> Range:
        return Range(low=values.low * forward, median=values.median * forward, high=values.high * forward)

    return DenseStep(
        source="scaled" if scaled else "interleaved",
        batches=len(dense),
        first_epoch=dense[0][0],
        last_epoch=dense[-1][0],
        backward=times(spread([batch.of("backward", forwards=scaled) for _, batch in dense])),
        step=times(spread([batch.of("step", forwards=scaled) for _, batch in dense])),
    )


def timing_setting(config: RunConfig, device: torch.device) -> str:
    """What makes the times of two batches comparable.

    On a CPU it reads as an older program wrote it, which had no switch of cuDNN to tell: its dense steps still count.
    On a GPU they do not, since its convolutions were rounded to TF32.
    """
    place = f"{platform.node()}; {device_title(device)}"
    newer = {"cpus", "memory_gib", "labels"}  # whatever was reserved: the node and its threads are told already
    if config.compute.gpus is None or config.compute.on_cpu:
        newer.add("gpus")
    if device.type == "cpu":
        newer.add("cudnn_benchmark")
    if config.compute.processes == 1:
        newer |= {"processes", "sync_batch_norm"}
    compute = config.compute.model_dump_json(exclude=newer)
    return f"{place}; {config.optimizer.kind}; {config.training.batch_size}; {compute}"
