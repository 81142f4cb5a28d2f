"""How many batches and steps a run has."""

from contract.checks.images import KnownImages
from contract.config import RunConfig


def batches_of(config: RunConfig, images: KnownImages) -> int | None:
    """Batches of an epoch; None where the number of images is not known. A last one that leaves a process with a single
    image joins another."""
    count, together = images.trained_on(config), config.training.batch_size
    if count is None:
        return None
    whole, rest = divmod(count, together)
    least = min(together, 2 * config.compute.processes) if whole else 1
    return max(1, whole + (rest >= least))


def steps_of(config: RunConfig, images: KnownImages) -> int | None:
    """Steps of the optimizer in the whole run."""
    batches = batches_of(config, images)
    return (
        None if batches is None else -(-batches // config.training.gradient_accumulation_steps) * config.training.epochs
    )
