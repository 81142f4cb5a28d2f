"""Runs that cannot fit into a worker's memory, by what they hold in any case, or may not once neurons are frozen."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from contract.checks.capabilities import Capabilities, Gpu
from contract.checks.finding import Finding
from contract.checks.freezing import never_freezes
from contract.checks.images import KnownImages
from contract.checks.numbers import size
from contract.checks.weights import facts_of
from contract.config import Cnn, Mlp, RunConfig, Sgd, Synthetic, SyntheticSegmentation

FLOAT_BYTES = 4


def memory_errors(config: RunConfig, images: KnownImages, worker: Capabilities) -> Iterator[Finding]:
    """What takes more memory than the worker's machine has."""
    if worker.memory_bytes is None:
        return
    pixels = pixel_bytes(config)
    if pixels is not None and pixels > worker.memory_bytes:
        yield Finding(
            "data.train_samples",
            f"The images take {size(pixels)} of memory, and the worker has {size(worker.memory_bytes)}: choose fewer, "
            "or smaller ones",
        )
    there, where = device_memory(config, worker)
    kept = kept_bytes(config, images)
    if kept is not None and there is not None and kept > there:
        yield Finding(
            network_field(config),
            f"Weights, gradients, the optimizer's state and the copy of the network that φ is measured against take "
            f"{size(kept)}, and the {where} has {size(there)}: choose a smaller network",
        )


def memory_warnings(config: RunConfig, images: KnownImages, worker: Capabilities) -> Iterator[Finding]:
    """What takes more than is free on the worker at this moment, or may take more than there is later on."""
    needed, later = kept_bytes(config, images) or 0, freezing_bytes(config, images) or 0
    if worker.trains_on_cpu or config.compute.on_cpu:
        there, needed = worker.free_memory_bytes, needed + (pixel_bytes(config) or 0)
        has = "" if there is None else f"{size(there)} are free on the worker now"
    else:
        there = min((gpu.memory_bytes for gpu in worker.gpus or ()), default=None)
        has = "" if there is None else f"{_smallest_gpu(worker.gpus or ())} has {size(there)}"
    if there is None or needed + later <= there:
        return
    more = (
        f", and up to {size(later)} more once most neurons are frozen: their values, their optimizer state, "
        "and the copies for a checkpoint"
    )
    yield Finding(
        network_field(config),
        f"The run takes at least {size(needed)} of memory{'' if needed > there else more}, and {has}",
    )


def _smallest_gpu(gpus: Sequence[Gpu]) -> str:
    """What to call it: where they are unequal, so that a person knows which is meant."""
    smallest = min(gpus, key=lambda gpu: gpu.memory_bytes)
    if smallest.memory_bytes == max(gpu.memory_bytes for gpu in gpus):
        return "the GPU"
    name = smallest.name if smallest.number is None else f"GPU {smallest.number} ({smallest.name})"
    return f"{name}, the smallest that the run may get,"


def device_memory(config: RunConfig, worker: Capabilities) -> tuple[int | None, str]:
    """The most memory that weights may lie in, and what to call its owner."""
    if worker.gpus and worker.device_limit != "cpu" and not config.compute.on_cpu:
        return max(gpu.memory_bytes for gpu in worker.gpus), "GPU"
    return (None if worker.gpus is None and worker.device_limit != "cpu" else worker.memory_bytes), "worker"


def pixel_bytes(config: RunConfig) -> float | None:
    """What images that are made on the spot take; None of any others."""
    data = config.data
    if not isinstance(data, Synthetic | SyntheticSegmentation):
        return None
    return float(data.train_samples + data.test_samples) * data.channels * data.size**2 * FLOAT_BYTES


def kept_bytes(config: RunConfig, images: KnownImages) -> float | None:
    """What weights, their gradients, the optimizer's state and last epoch's network take all the time; None where the
    network is not known so well."""
    count = _parameters(config, images)
    return None if count is None else float(count) * FLOAT_BYTES * (3 + _states(config))


def freezing_bytes(config: RunConfig, images: KnownImages) -> float | None:
    """What comes on top of that at worst: of every frozen neuron the values and the optimizer's state, and for a
    checkpoint copies of these states and of last epoch's network."""
    count = _parameters(config, images)
    if count is None:
        return None
    held = 0 if never_freezes(config) is not None else 1 + 2 * _states(config)
    return float(count) * FLOAT_BYTES * (1 + held)


def _states(config: RunConfig) -> int:
    """How many numbers the optimizer keeps of every weight."""
    optimizer = config.optimizer
    return (1 if optimizer.momentum else 0) if isinstance(optimizer, Sgd) else 2


def network_field(config: RunConfig) -> str:
    """The field that makes the network as large as it is."""
    match config.model:
        case Cnn():
            return "model.channels"
        case Mlp():
            return "model.hidden"
    return "model.name" if hasattr(config.model, "name") else "model.kind"


def _parameters(config: RunConfig, images: KnownImages) -> int | None:
    """At least so many."""
    model, channels, side, classes = config.model, images.channels, images.side, images.classes
    if isinstance(model, Mlp) and channels and side and classes:
        return sum(a * b for a, b in pairwise((channels * side**2, *model.hidden, classes)))
    if isinstance(model, Cnn) and channels:
        return sum(9 * a * b for a, b in pairwise((channels, *model.channels)))
    facts = facts_of(model)
    return None if facts is None else facts.parameters
