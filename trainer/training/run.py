"""A run from its description to its end, as a generator of facts. It logs, stores and sends nothing."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from time import perf_counter

import torch

from contract.checks.freezing import never_freezes
from contract.config import RunConfig
from contract.events import EpochFinished, Event, Logged, RunContinued, RunFinished, RunStarted
from contract.layers import Layer
from trainer.checkpoints.checkpointer import Checkpointer, Result
from trainer.engines.environment import Workplace
from trainer.engines.resume_point import NOTHING_RECORDED, ResumePoint
from trainer.training.components import Components, build_components
from trainer.training.coverage import coverage_record
from trainer.training.device import choose_device, commit, device_title, use_threads, versions
from trainer.training.epoch import EpochLoop
from trainer.training.error_messages import explained
from trainer.training.records import held_along, memory_record
from trainer.training.resource_monitor import ResourceMonitor, monitor_resources
from trainer.training.train_step import determinism
from trainer.training.warnings import freezing_warnings, tf32_warnings


def train(
    config: RunConfig, workplace: Workplace, resume_point: ResumePoint = NOTHING_RECORDED
) -> Generator[Event, None, None]:
    """Trains as described, yielding events as they happen.

    Yields RunStarted, then for each epoch some EpochProgressed and one EpochFinished with its snapshots, then
    RunFinished. The same description on a CPU with as many threads gives the same events to the bit, but for times and
    the plans of the backward pass, which follow from times; also where it was cut off in between, and went on with
    RunContinued.

    Args:
        config: what to train on what, and when its neurons count as at equilibrium.
        workplace: where the data lie, where checkpoints go, and what of the machine may be used.
        resume_point: how far the run is recorded: it goes on there.

    Raises:
        RunError: the data are missing or damaged, the network does not fit them, the device is not to be had, training
            diverged, or a checkpoint cannot be written or read; with the remedy.
    """
    use_threads(workplace)
    try:
        device = choose_device(config, workplace)
        with determinism(config, device):
            yield from _run(config, workplace, resume_point, device)
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        if (known := explained(error, config)) is None:
            raise
        raise known from error


def _run(
    config: RunConfig, workplace: Workplace, resume_point: ResumePoint, device: torch.device
) -> Generator[Event, None, None]:
    began = perf_counter()
    parts = build_components(config, workplace, device, resume_point)
    writes = parts.ranks.is_first
    checkpointer = Checkpointer(workplace.checkpoints, resume_point, config, parts.state(), versions(), writes=writes)
    run = _Run(parts, device_title(device, workplace), checkpointer, resume_point, began)
    yield from run.beginning()
    with monitor_resources(device, workplace.country, parts.train_step.memory) as (monitor, warnings):
        yield from (Logged(level="warning", text=text) for text in warnings)
        last = yield from run.epochs(monitor)
    yield RunFinished(
        epochs=run.done,
        reason=run.why_early(),
        test_accuracy=last.test_accuracy,
        frozen_fraction=last.frozen_fraction,
        seconds=last.seconds,
    )


@dataclass
class _Run:
    """A run while it lasts: its beginning, its epochs, and how it stands after the newest."""

    parts: Components
    device_title: str
    checkpointer: Checkpointer
    resume_point: ResumePoint
    began: float
    """When, by perf_counter, less the seconds that the run took before it was cut off."""
    result: Result | None = None
    done: int = 0
    """Epochs that are trained."""

    def beginning(self) -> Generator[Event, None, None]:
        """The first events: that it starts or goes on, and what may be different then."""
        config, data = self.parts.config, self.parts.data
        warnings = [
            *self._freezing_warnings(),
            *tf32_warnings(config, self.parts.device),
            *(() if data.found is None else data.found.warnings),
        ]
        if not self.resume_point.started:
            yield self._started()
        else:
            if self.resume_point.epochs:
                self.result, changed = self.checkpointer.read()
                self.began -= self.result.seconds
                warnings += changed
            device = self.device_title
            yield RunContinued(epoch=self.resume_point.epochs, device=device, versions=versions(), commit=commit())
        for text in warnings:
            yield Logged(level="warning", text=text)

    def _started(self) -> RunStarted:
        parts, data = self.parts, self.parts.data
        layers = _layers(parts)
        first_freezing = None if never_freezes(parts.config) is not None else parts.neq.first_freezing_epoch
        return RunStarted(
            layers=layers,
            neurons=sum(layer.neurons for layer in layers),
            parameters=sum(p.numel() for p in parts.model.parameters() if p.requires_grad),
            device=self.device_title,
            epochs=parts.config.training.epochs,
            batches_per_epoch=parts.batches_per_epoch,
            train_samples=len(data.train),
            test_samples=len(data.test),
            probe_samples=len(data.probe),
            first_freezing_epoch=first_freezing,
            task=data.task,
            data=data.found,
            versions=versions(),
            commit=commit(),
            warnings=self._freezing_warnings(),
            coverage=coverage_record(parts.neq.coverage()),
        )

    def _freezing_warnings(self) -> tuple[str, ...]:
        neq = self.parts.neq
        all_held_open = all(layer.held_open is not None for layer in neq.layers)
        return freezing_warnings(self.parts.config, neq.first_freezing_epoch, all_held_open=all_held_open)

    def epochs(self, monitor: ResourceMonitor) -> Generator[Event, None, Result]:
        """The events of every epoch that is not recorded yet; returns how the run stands after the last."""
        neq, stored_seconds, self.done = self.parts.neq, 0.0, self.resume_point.epochs
        loop = EpochLoop(self.parts, self.result.train_seconds if self.result else 0.0)
        while self.done < self.parts.config.training.epochs and not loop.is_over:
            epoch, along = self.done, neq.held_along
            finished = yield from loop.run(epoch)
            finished = self._completed(finished, monitor, stored_seconds, loop.train_seconds)
            self.done += 1
            before = perf_counter()
            yield finished
            stored_seconds = perf_counter() - before
            yield from held_along(along, neq.held_along, epoch)
        assert self.result is not None  # noqa: S101  (there is one epoch at least)
        return replace(self.result, seconds=perf_counter() - self.began)

    def why_early(self) -> str | None:
        """Why no further epoch is trained, where some are planned."""
        training = self.parts.config.training
        if self.done == training.epochs or self.result is None:
            return None
        return (
            f"It ended after {self.done} of {training.epochs} epochs: its training steps took "
            f"{self.result.train_seconds:.1f} s, and training.stop_after_seconds is {training.stop_after_seconds:g}."
        )

    def _completed(
        self, finished: EpochFinished, monitor: ResourceMonitor, stored_seconds: float, train_seconds: float
    ) -> EpochFinished:
        """The epoch with checkpoint, resources and all of its seconds.

        The checkpoint is on the disk before anybody hears of the epoch: what is recorded can go on.
        """
        before = perf_counter()
        self.result = Result(finished.test_accuracy, finished.frozen_fraction, before - self.began, train_seconds)
        checkpoint = self.checkpointer.write(finished.epoch, self.result)
        written = perf_counter() - before
        seconds = finished.seconds.model_copy(
            update={"record": finished.seconds.record + stored_seconds, "checkpoint": written}
        )
        resources = monitor.epoch().model_copy(update={"neq_memory": memory_record(self.parts.neq)})
        return finished.model_copy(update={"checkpoint": checkpoint, "seconds": seconds, "resources": resources})


def _layers(parts: Components) -> tuple[Layer, ...]:
    return tuple(
        Layer(
            index=index,
            name=layer.name,
            type=layer.type,
            neurons=layer.neurons,
            parameters=sum(parameter.numel() for parameter in layer.parameters()),
            always_frozen=layer.always_frozen,
        )
        for index, layer in enumerate(parts.neq.layers)
    )
