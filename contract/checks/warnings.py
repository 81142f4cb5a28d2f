"""What smells about a run and never blocks it: it would go through, and probably not as it was meant."""

from collections.abc import Iterator, Sequence

from contract.checks.capabilities import Capabilities
from contract.checks.finding import Finding
from contract.checks.freezing import ends_before, first_freezing_epoch, never_freezes
from contract.checks.images import KnownImages, known_images
from contract.checks.memory import memory_warnings
from contract.checks.numbers import counted, number
from contract.checks.sets import NAMED, NamedSet
from contract.checks.steps import batches_of
from contract.config import MultiStep, NoRule, OneCycle, RandomRule, RunConfig, SingleProbe, Step, TopKRule

HIGH_RATE = {"sgd": 1.0, "adam": 0.1, "adamw": 0.1}
"""Learning rates from here on make most trainings diverge."""
NAMES = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}


def warnings(config: RunConfig, workers: Sequence[Capabilities]) -> list[Finding]:
    """Everything doubtful, in the order of the description's fields.

    Args:
        workers: those that could train it; none where none is alive, or none says what it has.
    """
    images = known_images(config, workers[0] if workers else None)
    found = [*_data(config, images), *_rate(config), *_schedule(config), *_batches(config, images)]
    found += [*_freezing(config), *_probe(config, images), *_checkpoints(config), *_recording(config)]
    found += [*_precision(config, workers), *_downloads(config, workers)]
    return [*found, *(memory_warnings(config, images, workers[0]) if len(workers) == 1 else ())]


def _data(config: RunConfig, images: KnownImages) -> Iterator[Finding]:
    wanted = config.data.train_samples
    if wanted is not None and images.there is not None and wanted > images.there:
        yield Finding("data.train_samples", f"There are {images.there:,} training images; all of them are used")
    tested = getattr(config.data, "test_samples", None)
    if tested is not None and images.classes is not None and tested < images.classes:
        yield Finding(
            "data.test_samples",
            f"{counted(tested, 'test image')} of {images.classes:,} classes: some classes are never tested",
        )


def _rate(config: RunConfig) -> Iterator[Finding]:
    high = HIGH_RATE[config.optimizer.kind]
    if config.optimizer.learning_rate >= high:
        yield Finding(
            "optimizer.learning_rate",
            f"A learning rate of {number(config.optimizer.learning_rate)} is unusually high for "
            f"{NAMES[config.optimizer.kind]}: training will probably diverge",
        )


def _schedule(config: RunConfig) -> Iterator[Finding]:
    schedule, epochs = config.schedule, config.training.epochs
    if isinstance(schedule, MultiStep):
        late = [milestone for milestone in schedule.milestones if milestone >= epochs]
        if late:
            named = ", ".join(f"{milestone:,}" for milestone in late)
            which = "The milestone" if len(late) == 1 else "The milestones"
            yield Finding(
                "schedule.milestones",
                f"{which} {named} {'is' if len(late) == 1 else 'are'} never reached: the run has "
                f"{counted(epochs, 'epoch')}, counted from 0",
            )
    if isinstance(schedule, Step) and schedule.step_size >= epochs:
        yield Finding(
            "schedule.step_size", f"The learning rate never drops: the run has {counted(epochs, 'epoch')} in all"
        )
    if not isinstance(schedule, OneCycle) and schedule.warmup_unit == "epochs" and schedule.warmup * 2 > epochs > 1:
        yield Finding(
            "schedule.warmup", f"The learning rate rises during most of the run: {schedule.warmup} of {epochs} epochs"
        )


def _batches(config: RunConfig, images: KnownImages) -> Iterator[Finding]:
    count, batches, training = images.trained_on(config), batches_of(config, images), config.training
    if count is None or batches is None:
        return
    if training.batch_size >= count:
        yield Finding(
            "training.batch_size",
            f"All {counted(count, 'training image')} are a single batch, so the weights are updated once per epoch: "
            "choose a smaller one",
        )
    elif training.gradient_accumulation_steps >= batches > 1:
        yield Finding(
            "training.gradient_accumulation_steps",
            f"An epoch has {counted(batches, 'batch', 'batches')}, so the weights are updated once per "
            "epoch: accumulate fewer",
        )


def _freezing(config: RunConfig) -> Iterator[Finding]:
    select = config.neq.select
    if isinstance(select, NoRule):
        return  # asked for, and the baseline to compare with
    first = first_freezing_epoch(config)
    if nothing := never_freezes(config) or ends_before(config, first):
        yield nothing
    elif isinstance(select, TopKRule | RandomRule) and select.fraction == 1:
        yield Finding("neq.select.fraction", f"From epoch {first} on every neuron is frozen, and nothing is learnt")


def _probe(config: RunConfig, images: KnownImages) -> Iterator[Finding]:
    probe = config.neq.probe
    if isinstance(probe, SingleProbe) or probe.kind == "noise" or images.classes is None:
        return  # asked for
    used = images.used(config)
    held = (None if used is None else probe.held_back(used)) or getattr(probe, "samples", None)
    if held is not None and held < images.classes and config.data.task == "classification":
        field = "neq.probe.fraction" if probe.kind == "fraction" else "neq.probe.samples"
        yield Finding(
            field,
            f"{counted(held, 'probe image')} of {images.classes:,} classes: at least one per class is recommended",
        )


def _checkpoints(config: RunConfig) -> Iterator[Finding]:
    every = config.checkpoints.every_n_epochs
    if every is not None and every > config.training.epochs:
        yield Finding(
            "checkpoints.every_n_epochs",
            f"No further checkpoint is kept: the run has {counted(config.training.epochs, 'epoch')} in all",
        )


def _recording(config: RunConfig) -> Iterator[Finding]:
    every, epochs = config.recording.arrays_every, config.training.epochs
    if every > 1 and every >= epochs - 1 and epochs > 2:
        yield Finding(
            "recording.arrays_every",
            f"Arrays of the first and the last epoch alone are recorded: the run has {counted(epochs, 'epoch')} in all",
        )


def _precision(config: RunConfig, workers: Sequence[Capabilities]) -> Iterator[Finding]:
    on_cpu = config.compute.on_cpu or (bool(workers) and all(worker.trains_on_cpu for worker in workers))
    if config.neq.phi_precision == "tf32" and on_cpu:
        yield Finding("neq.phi_precision", "A CPU has no TF32: φ is measured in float32 there, as by default")
    if config.compute.precision == "tf32" and on_cpu:
        yield Finding("compute.precision", "A CPU has no TF32: the run computes in float32 there, as by default")
    elif config.compute.precision != "float32" and on_cpu:
        yield Finding(
            "compute.precision",
            f"Computing in {config.compute.precision} saves time on a GPU; on a CPU it is usually slower than float32",
        )


def _downloads(config: RunConfig, workers: Sequence[Capabilities]) -> Iterator[Finding]:
    named = NAMED.get(config.data.kind)
    if named and workers and all(_is_fetched(config.data.kind, named, worker) for worker in workers):
        yield Finding("data.kind", f"{named.title} is not on the worker yet; it will be downloaded when the run starts")


def _is_fetched(kind: str, named: NamedSet, worker: Capabilities) -> bool:
    """Whether the worker has to download the set, and may: one that may not fails, and that is an error already."""
    return named.fetched and worker.may_download and kind not in worker.sets
