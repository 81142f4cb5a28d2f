"""Runs that cannot fit into a worker's memory, by what they hold in any case."""

from collections.abc import Iterator
from itertools import pairwise

from trainer.checks.capabilities import Capabilities
from trainer.checks.finding import Finding
from trainer.checks.images import KnownImages
from trainer.checks.numbers import size
from trainer.checks.weights import facts_of
from trainer.config import Cnn, Mlp, RunConfig, Sgd, Synthetic, SyntheticSegmentation

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
    weights = network_bytes(config, images)
    if weights is not None and there is not None and weights > there:
        yield Finding(
            network_field(config),
            f"Weights, gradients and the optimizer's state take {size(weights)}, and the {where} has {size(there)}: "
            "choose a smaller network",
        )


def memory_warnings(config: RunConfig, images: KnownImages, worker: Capabilities) -> Iterator[Finding]:
    """What takes more than is free on the worker at this moment."""
    free = worker.free_memory_bytes
    if free is None or (not worker.trains_on_cpu and config.compute.device != "cpu"):
        return
    needed = (pixel_bytes(config) or 0) + (network_bytes(config, images) or 0)
    if needed > free:
        yield Finding(
            network_field(config),
            f"The run takes at least {size(needed)} of memory, and {size(free)} are free on the worker now",
        )


def device_memory(config: RunConfig, worker: Capabilities) -> tuple[int | None, str]:
    """The memory that weights would lie in, and what to call its owner."""
    if worker.gpus and worker.device_limit != "cpu" and config.compute.device != "cpu":
        return max(gpu.memory_bytes for gpu in worker.gpus), "GPU"
    return (None if worker.gpus is None and worker.device_limit != "cpu" else worker.memory_bytes), "worker"


def pixel_bytes(config: RunConfig) -> float | None:
    """What images that are made on the spot take; None of any others."""
    data = config.data
    if not isinstance(data, Synthetic | SyntheticSegmentation):
        return None
    return float(data.train_samples + data.test_samples) * data.channels * data.size**2 * FLOAT_BYTES


def network_bytes(config: RunConfig, images: KnownImages) -> float | None:
    """What weights, their gradients and the optimizer's state take; None where the network is not known so well."""
    count = _parameters(config, images)
    if count is None:
        return None
    optimizer = config.optimizer
    states = (1 if optimizer.momentum else 0) if isinstance(optimizer, Sgd) else 2
    return float(count) * FLOAT_BYTES * (2 + states)


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
