"""A run from its description to its end, as a generator of facts. It logs, stores and sends nothing."""

import platform
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from math import ceil
from time import perf_counter

import torch
from torch import Tensor, nn

from contract.checks.freezing import never_freezes
from contract.config import RunConfig
from contract.events import (
    EpochFinished,
    EpochProgressed,
    Event,
    Layer,
    Logged,
    RunContinued,
    RunFinished,
    RunStarted,
    Seconds,
)
from neq import Equilibrium, NEq
from trainer.checkpoints.checkpointer import Book, Result
from trainer.checkpoints.train_state import Parts
from trainer.data import ImageData, load_data
from trainer.data.datasets.images import batch_bounds
from trainer.engines.environment import Workplace
from trainer.engines.resume_point import NOTHING_RECORDED, Standing
from trainer.models import Shape, build_model
from trainer.optimizers import build_optimizer, parameter_groups
from trainer.training.costs import Accounts
from trainer.training.coverage import coverage_record
from trainer.training.device import choose_device, commit, device_title, use_threads, versions
from trainer.training.equilibrium import build_neq, told_by_neq
from trainer.training.error_messages import explained
from trainer.training.metrics import Score
from trainer.training.passes import Pace, Pieces, Signs, evaluating_pass, training_pass
from trainer.training.records import (
    group_records,
    held_along,
    layer_counts,
    memory_record,
    precision_record,
    snapshots,
)
from trainer.training.resource_monitor import Meter, measuring
from trainer.training.step_account import StepAccount
from trainer.training.tasks import Classification, Segmentation, Task
from trainer.training.train_step import Steps, determinism
from trainer.training.warnings import doubts, without_tf32

EVALUATION_BATCH = 200
EVALUATION_BATCH_OF_A_GPU = 1000
"""Images of up to EVALUATION_PIXELS that are looked at together: small enough for a CPU's caches, or large enough to
fill a GPU. Of larger images fewer, so that they take no more memory."""
EVALUATION_PIXELS = 64 * 64


def train(
    config: RunConfig, workplace: Workplace, standing: Standing = NOTHING_RECORDED
) -> Generator[Event, None, None]:
    """Trains as described, saying what happens as it happens.

    Yields RunStarted, then for each epoch some EpochProgressed and one EpochFinished with its snapshots, then
    RunFinished. The same description on a CPU with as many threads gives the same events to the bit, but for times and
    the plans of the backward pass, which follow from times; also where it was cut off in between, and went on with
    RunContinued.

    Args:
        config: what to train on what, and when its neurons count as settled.
        workplace: where the data lie, where checkpoints go, and what of the machine may be used.
        standing: how far the run is recorded: it goes on there.

    Raises:
        RunError: the data are missing or damaged, the network does not fit them, the device is not to be had, training
            diverged, or a checkpoint cannot be written or read; with the remedy.
    """
    use_threads(workplace)
    try:
        device = choose_device(config, workplace)
        with determinism(config, device):
            run = _prepare(config, workplace, standing, device)
            yield from run.beginning()
            with measuring(run.device, workplace.country, run.steps.memory) as (meter, told):
                yield from (Logged(level="warning", text=text) for text in told)
                last = yield from run.epochs(meter)
    except (RuntimeError, ValueError, IndexError, MemoryError) as error:
        if (known := explained(error, config)) is None:
            raise
        raise known from error
    yield RunFinished(
        epochs=config.training.epochs,
        test_accuracy=last.test_accuracy,
        frozen_share=last.frozen_share,
        seconds=last.seconds,
    )


@dataclass(frozen=True)
class _Probe:
    """The probe images in batches, the same each time that they are iterated."""

    data: ImageData
    batch_size: int

    def __iter__(self) -> Iterator[Tensor]:
        return (inputs for inputs, _ in self.data.batches(self.data.probe, self.batch_size))

    def __len__(self) -> int:
        return ceil(len(self.data.probe) / self.batch_size)


def _prepare(config: RunConfig, workplace: Workplace, standing: Standing, device: torch.device) -> "_Run":
    began = perf_counter()
    data = load_data(config, workplace, device)
    seed = config.training.seed
    shape = Shape(data.channels, data.height, data.classes, data.width)
    model = build_model(config.model, shape, seed=seed, workplace=workplace).to(device)
    if config.compute.channels_last and device.type != "mps":  # an Apple GPU's convolutions want torch's default order
        # A third less time for small convolutions on a CPU than torch's default order.
        model = model.to(memory_format=torch.channels_last)
    optimizer = build_optimizer(config.optimizer, parameter_groups(config.model, model))
    probe = _Probe(data, _evaluation_batch(data))
    neq = build_neq(config, model, optimizer, probe)
    accounts = Accounts(model, neq, torch.zeros(1, data.channels, data.height, data.width, device=device))
    random = torch.Generator(device=device).manual_seed(seed)
    torch.manual_seed(seed)  # drop-out draws from torch's own
    task = task_of(config, data)
    batches = len(batch_bounds(len(data.train), config.training.batch_size))
    steps = Steps.of(config, model, optimizer, task, device, batches, neq.dense_pass)
    times = StepAccount(steps.clock, batches, _setting(config, device))
    book = Book(workplace.checkpoints, standing, config, Parts(model, optimizer, steps, neq, random, times), versions())
    title = device_title(device, workplace)
    return _Run(config, device, title, data, model, steps, probe, neq, accounts, times, random, book, standing, began)


def _setting(config: RunConfig, device: torch.device) -> str:
    """What makes the times of two batches comparable.

    On a CPU it reads as an older program wrote it, which had no switch of cuDNN to tell: its dense steps still count.
    On a GPU they do not, since its convolutions were rounded to TF32.
    """
    place = f"{platform.node()}; {device_title(device)}"
    compute = config.compute.model_dump_json(exclude={"cudnn_benchmark"} if device.type == "cpu" else None)
    return f"{place}; {config.optimizer.kind}; {config.training.batch_size}; {compute}"


def _evaluation_batch(data: ImageData) -> int:
    most = EVALUATION_BATCH if data.device.type == "cpu" else EVALUATION_BATCH_OF_A_GPU
    return max(1, min(most, most * EVALUATION_PIXELS // (data.height * data.width)))


def task_of(config: RunConfig, data: ImageData) -> Task:
    """What the data ask the network for."""
    smoothing = config.training.label_smoothing
    if data.task == "segmentation":
        return Segmentation(data.classes, data.ignore_index, smoothing)
    return Classification(data.classes, smoothing)


@dataclass
class _Run:
    """Everything that a run holds while it lasts."""

    config: RunConfig
    device: torch.device
    device_title: str
    data: ImageData
    model: nn.Module
    steps: Steps
    probe: _Probe
    neq: NEq
    accounts: Accounts
    times: StepAccount
    random: torch.Generator
    book: Book
    standing: Standing
    began: float
    """When, by perf_counter, less the seconds that the run took before it was cut off."""
    result: Result | None = None
    pace: Pace = field(default_factory=Pace)
    pieces: Pieces = field(default_factory=Pieces)

    def beginning(self) -> Generator[Event, None, None]:
        """The first facts: that it starts, or goes on, and what may be different then."""
        told = [
            *self._doubts(),
            *without_tf32(self.config, self.device),
            *(() if self.data.found is None else self.data.found.warnings),
        ]
        if not self.standing.started:
            yield self._started()
        else:
            if self.standing.epochs:
                self.result, changed = self.book.read()
                self.began -= self.result.seconds
                told += changed
            device = self.device_title
            yield RunContinued(epoch=self.standing.epochs, device=device, versions=versions(), commit=commit())
        for text in told:
            yield Logged(level="warning", text=text)

    def _started(self) -> RunStarted:
        layers = tuple(
            Layer(
                index=index,
                name=layer.name,
                type=layer.type,
                neurons=layer.neurons,
                parameters=sum(parameter.numel() for parameter in layer.parameters()),
            )
            for index, layer in enumerate(self.neq.layers)
        )
        return RunStarted(
            layers=layers,
            neurons=sum(layer.neurons for layer in layers),
            parameters=sum(p.numel() for p in self.model.parameters() if p.requires_grad),
            device=self.device_title,
            epochs=self.config.training.epochs,
            batches_per_epoch=len(batch_bounds(len(self.data.train), self.config.training.batch_size)),
            train_samples=len(self.data.train),
            test_samples=len(self.data.test),
            probe_samples=len(self.data.probe),
            first_freezing_epoch=None if never_freezes(self.config) is not None else self.neq.first_freezing_epoch,
            task=self.data.task,
            data=self.data.found,
            versions=versions(),
            commit=commit(),
            warnings=self._doubts(),
            coverage=coverage_record(self.neq.coverage()),
        )

    def _doubts(self) -> tuple[str, ...]:
        all_held_open = all(layer.held_open is not None for layer in self.neq.layers)
        return doubts(self.config, self.neq.first_freezing_epoch, all_held_open=all_held_open)

    def epochs(self, meter: Meter) -> Generator[Event, None, Result]:
        """The facts of every epoch that is not recorded yet; returns how the run stands after the last."""
        stored_seconds = 0.0
        for epoch in range(self.standing.epochs, self.config.training.epochs):
            along = self.neq.held_along
            finished = yield from self._epoch(epoch, stored_seconds)
            self.result, finished = self._kept(finished)
            resources = meter.epoch().model_copy(update={"neq_memory": memory_record(self.neq)})
            finished = finished.model_copy(update={"resources": resources})
            before = perf_counter()
            yield finished
            stored_seconds = perf_counter() - before
            yield from held_along(along, self.neq.held_along, epoch)
        assert self.result is not None  # noqa: S101  (there is one epoch at least)
        return replace(self.result, seconds=perf_counter() - self.began)

    def _kept(self, finished: EpochFinished) -> tuple[Result, EpochFinished]:
        """The epoch with its checkpoint, on the disk before anybody hears of it: what is recorded can go on."""
        before = perf_counter()
        result = Result(finished.test_accuracy, finished.frozen_share, before - self.began)
        file = self.book.write(finished.epoch, result)
        seconds = finished.seconds.model_copy(update={"checkpoint": perf_counter() - before})
        return result, finished.model_copy(update={"checkpoint": file, "seconds": seconds})

    def _epoch(self, epoch: int, stored_seconds: float) -> Generator[Event, None, EpochFinished]:
        learning_rate = self.steps.begin_epoch(epoch)
        start = perf_counter()
        trained = yield from self._train(epoch)
        after_train = perf_counter()
        plans, flops = self.accounts.changes(epoch), self.accounts.flops()
        before_probe, probe_began = perf_counter(), self.steps.clock.seconds()
        equilibrium = yield from self._probe_steps(epoch, trained.loss)
        probe_seconds, after_probe = self.steps.clock.seconds() - probe_began, perf_counter()
        tested = yield from self._evaluate(epoch, trained.loss)
        after_evaluate = perf_counter()
        counts, arrays = layer_counts(equilibrium, plans), snapshots(equilibrium)
        left_out = self.config.neq.savings and equilibrium.applied_fraction > 0
        times, saving = self.times.epoch(epoch, flops, probe_seconds=probe_seconds, left_out=left_out)
        return EpochFinished(
            epoch=epoch,
            learning_rate=learning_rate,
            train_loss=trained.loss,
            train_accuracy=trained.accuracy,
            test_loss=tested.loss,
            test_accuracy=tested.accuracy,
            scores=tested.scores,
            applied_share=equilibrium.applied_fraction,
            frozen_share=equilibrium.frozen_fraction,
            beyond_share=sum(counts.beyond or ()) / equilibrium.neurons,
            layers=counts,
            groups=group_records(equilibrium),
            seconds=Seconds(
                train=after_train - start,
                probe=after_probe - before_probe,
                evaluate=after_evaluate - after_probe,
                record=perf_counter() - after_evaluate + before_probe - after_train + stored_seconds,
            ),
            samples_per_second=len(self.data.train) / (after_train - start),
            precision=precision_record(self.config, self.device),
            step_ms=times,
            flops=flops,
            saving=saving,
            snapshots=arrays,
        )

    def _train(self, epoch: int) -> Generator[EpochProgressed, None, Score]:
        return training_pass(
            self.steps,
            self.data,
            batch_size=self.config.training.batch_size,
            random=self.random,
            pace=self.pace,
            epoch=epoch,
        )

    def _evaluate(self, epoch: int, train_loss: float) -> Generator[EpochProgressed | Logged, None, Score]:
        return evaluating_pass(
            self.model,
            self.steps.task,
            self.data,
            batch_size=self.probe.batch_size,
            pace=self.pace,
            epoch=epoch,
            train_loss=train_loss,
            reduced=self.steps.evaluates_in,
            pieces=self.pieces,
        )

    def _probe_steps(self, epoch: int, train_loss: float) -> Generator[EpochProgressed | Logged, None, Equilibrium]:
        signs = Signs(self.pace, epoch, "probe", len(self.probe))
        steps = self.neq.end_epoch_in_steps()
        while True:
            told: list[str] = []
            equilibrium: Equilibrium | None = None
            try:
                with told_by_neq(told):
                    done = next(steps)
            except StopIteration as end:
                equilibrium = end.value
            yield from (Logged(level="warning", text=text) for text in told)
            if equilibrium is not None:
                return equilibrium
            if self.pace.due():
                samples = min(done * self.probe.batch_size, len(self.data.probe))
                yield signs.at(done, samples, train_loss)
