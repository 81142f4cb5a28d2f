"""What torch says of a lack of memory, a missing compiler and the like, in words that a person can act on."""

from contract.config import RunConfig
from contract.errors import RunError
from neq import NEqError
from neq.errors import ProbeDoesNotFit
from trainer.engines.device_errors import CHECK_LABELS, explained_failure, first_line, is_memory, sentence
from trainer.engines.memory import SMALLER_OR_MORE_MEMORY, less_memory

_COMPILERS = ("torch._dynamo", "torch._inductor", "torch._functorch")


def diverged(loss: float, epoch: int) -> RunError:
    """The loss of an epoch is infinite or NaN."""
    return RunError(
        f"The loss became {loss} in epoch {epoch}: training diverged.",
        "Lower optimizer.learning_rate, set training.max_grad_norm, or raise training.batch_size.",
    )


def single_image_does_not_fit(error: Exception) -> RunError:
    """Memory ran out on a test batch of one image."""
    return RunError(
        f"The device ran out of memory with a single test image: {first_line(error)}", SMALLER_OR_MORE_MEMORY
    )


def explained(error: Exception, config: RunConfig, images: str | None = None) -> RunError | None:
    """The error as the run's end should tell it; None where nothing more is known than what it says itself.

    Args:
        images: on which images it came up, such as `a single test image`, where a smaller batch cannot be had.
    """
    if isinstance(error, NEqError):
        return _of_neq(error)
    if is_memory(error):
        return _of_memory(error, config, images)
    if (known := _of_torch(error, config)) is not None:
        return known
    failure = explained_failure(error)
    return None if failure is None else RunError(*failure)


def _of_neq(error: NEqError) -> RunError:
    remedy = f"{sentence(error.remedy)}."
    if isinstance(error, ProbeDoesNotFit):
        single = "a single sample" in error.reason
        remedy = SMALLER_OR_MORE_MEMORY if single else f"Lower neq.probe.samples. {SMALLER_OR_MORE_MEMORY}"
    return RunError(f"{sentence(error.reason)}.", remedy)


def _of_memory(error: Exception, config: RunConfig, images: str | None) -> RunError:
    first = first_line(error)
    if images is not None:
        return RunError(f"The device ran out of memory with {images}: {first}", SMALLER_OR_MORE_MEMORY)
    return RunError(f"The device ran out of memory: {first}", sentence(less_memory(config)))


def _of_torch(error: Exception, config: RunConfig) -> RunError | None:
    first = first_line(error)
    if config.compute.compile and type(error).__module__.startswith(_COMPILERS):
        return RunError(
            f"torch.compile could not translate the network: {first}",
            "Switch compute.compile off, or install a C++ compiler (and, for a GPU, Triton) where the worker runs.",
        )
    if "does not have a deterministic implementation" in first:
        return RunError(
            f"A part of the network cannot be computed deterministically: {first}",
            "Switch compute.deterministic off, choose another model, or train on the CPU.",
        )
    if "Expected more than 1 value per channel" in first:
        return RunError(
            "Batch norm cannot learn from batches of one image: each of its channels sees a single value.",
            "Set training.batch_size to at least 2, or choose a model without batch norm or larger images.",
        )
    if isinstance(error, IndexError) and "out of bounds" in first:
        return RunError(
            f"A label lies outside the classes that the data announce: {first}",
            CHECK_LABELS,
        )
    return None
