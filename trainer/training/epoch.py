"""One epoch: training, measuring φ and deciding, evaluating, and the record of all that."""

from collections.abc import Generator
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Literal

from contract.costs import PlanChanges, StepFlops
from contract.events import EpochFinished, EpochProgressed, Event, Logged, Seconds
from neq import Equilibrium
from trainer.training.components import Components
from trainer.training.equilibrium import collect_neq_warnings
from trainer.training.evaluate import BatchSplitter, evaluate
from trainer.training.metrics import Metrics
from trainer.training.progress import Progress, ProgressThrottle
from trainer.training.records import group_records, layer_counts, precision_record, snapshots
from trainer.training.train_epoch import train_epoch


class PhaseTimer:
    """Adds up where an epoch's time goes, by the clock on the wall; it starts when it is made."""

    def __init__(self) -> None:
        self._since = perf_counter()
        self._seconds = {"train": 0.0, "probe": 0.0, "evaluate": 0.0, "record": 0.0}

    def lap(self, phase: Literal["train", "probe", "evaluate", "record"]) -> float:
        """The time since the last lap was this phase's; returns it, in seconds."""
        now = perf_counter()
        taken, self._since = now - self._since, now
        self._seconds[phase] += taken
        return taken

    def seconds(self) -> Seconds:
        """The sums, with the time until now counted as `record`."""
        self.lap("record")
        return Seconds(**self._seconds)


@dataclass(frozen=True)
class _Results:
    """What an epoch's phases gave, before it is put into a record."""

    learning_rate: float
    trained: Metrics
    spent: tuple[float, float]
    """Training it, seconds: of the processor, and by the clock of the training steps."""
    plans: PlanChanges
    flops: StepFlops
    equilibrium: Equilibrium
    probe_seconds: float
    """Of measuring φ, by the clock of the training steps."""
    tested: Metrics


@dataclass
class EpochLoop:
    """Runs one epoch after the other.

    Attributes:
        train_seconds: what the run's training steps have taken, in this epoch and all before it.
    """

    parts: Components
    train_seconds: float = 0.0
    throttle: ProgressThrottle = field(default_factory=ProgressThrottle)
    splitter: BatchSplitter = field(default_factory=BatchSplitter)

    @property
    def is_over(self) -> bool:
        """Whether the run has trained for as long as it may."""
        return self.parts.config.training.is_spent(self.train_seconds)

    def run(self, epoch: int) -> Generator[Event, None, EpochFinished]:
        """Trains, measures φ, decides and evaluates, reporting progress; returns the epoch's record.

        The record has no checkpoint and no resources yet.
        """
        parts, clock = self.parts, self.parts.train_step.clock
        learning_rate = parts.train_step.begin_epoch(epoch)
        parts.ranks.seed_epoch(parts.config.training.seed, epoch)
        timer, began = PhaseTimer(), (process_time(), clock.seconds())
        trained = yield from self._train(epoch)
        spent = parts.ranks.total(process_time() - began[0]), clock.seconds() - began[1]
        self.train_seconds += parts.ranks.of_the_first(timer.lap("train"))
        parts.ranks.same_buffers(parts.model)
        plans, flops = parts.costs.changes(epoch), parts.costs.flops()
        timer.lap("record")
        probe_began = clock.seconds()
        equilibrium = yield from self._measure(epoch, trained.loss)
        probe_seconds = clock.seconds() - probe_began
        timer.lap("probe")
        tested = yield from self._evaluate(epoch, trained.loss)
        timer.lap("evaluate")
        results = _Results(learning_rate, trained, spent, plans, flops, equilibrium, probe_seconds, tested)
        return self._record(epoch, results, timer)

    def _train(self, epoch: int) -> Generator[EpochProgressed, None, Metrics]:
        return train_epoch(
            self.parts.train_step,
            self.parts.data,
            batch_size=self.parts.config.training.batch_size,
            random=self.parts.random,
            throttle=self.throttle,
            epoch=epoch,
        )

    def _measure(self, epoch: int, train_loss: float) -> Generator[EpochProgressed | Logged, None, Equilibrium]:
        probe, steps = self.parts.probe, self.parts.neq.end_epoch_in_steps()
        progress = Progress(self.throttle, epoch, "probe", len(probe))
        while True:
            told: list[str] = []
            equilibrium: Equilibrium | None = None
            try:
                with collect_neq_warnings(told):
                    done = next(steps)
            except StopIteration as end:
                equilibrium = end.value
            yield from (Logged(level="warning", text=text) for text in told)
            if equilibrium is not None:
                return equilibrium
            if progress.due():
                yield progress.report(done, min(done * probe.batch_size, len(probe.data.probe)), train_loss)

    def _evaluate(self, epoch: int, train_loss: float) -> Generator[EpochProgressed | Logged, None, Metrics]:
        return evaluate(
            self.parts.model,
            self.parts.train_step.task,
            self.parts.data,
            batch_size=self.parts.probe.batch_size,
            throttle=self.throttle,
            epoch=epoch,
            train_loss=train_loss,
            reduced=self.parts.train_step.evaluates_in,
            splitter=self.splitter,
            ranks=self.parts.ranks,
        )

    def _record(self, epoch: int, results: _Results, timer: PhaseTimer) -> EpochFinished:
        parts, equilibrium = self.parts, results.equilibrium
        counts = layer_counts(equilibrium, results.plans)
        last = epoch + 1 == parts.config.training.epochs or self.is_over
        arrays = snapshots(equilibrium) if parts.config.recording.has_arrays(epoch, last=last) else ()
        left_out = parts.config.neq.savings and equilibrium.applied_fraction > 0
        step_ms, saving = parts.timings.epoch(
            epoch, results.flops, probe_seconds=results.probe_seconds, left_out=left_out
        )
        groups, precision = group_records(equilibrium), precision_record(parts.config, parts.device)
        seconds = timer.seconds()
        return EpochFinished(
            epoch=epoch,
            learning_rate=results.learning_rate,
            train_loss=results.trained.loss,
            train_accuracy=results.trained.accuracy,
            test_loss=results.tested.loss,
            test_accuracy=results.tested.accuracy,
            scores=results.tested.scores,
            applied_fraction=equilibrium.applied_fraction,
            frozen_fraction=equilibrium.frozen_fraction,
            beyond_fraction=sum(counts.beyond or ()) / equilibrium.neurons,
            layers=counts,
            groups=groups,
            seconds=seconds,
            samples_per_second=len(parts.data.train) / seconds.train,
            samples=len(parts.data.train),
            cpu_seconds=results.spent[0],
            device_seconds=None if parts.device.type == "cpu" else results.spent[1],
            precision=precision,
            step_ms=step_ms,
            flops=results.flops,
            saving=saving,
            snapshots=arrays,
        )
