"""Networks that images are too small for."""

from collections.abc import Iterator

from contract.checks.finding import Finding
from contract.checks.images import KnownImages
from contract.checks.weights import facts_of
from contract.config import Cnn, ResNetCifar, RunConfig, TorchvisionClassifier

SMALLEST_FOR_RESNET = 4


def side_errors(config: RunConfig, images: KnownImages) -> Iterator[Finding]:
    """Why the network cannot take images of this size, where that is known without building it."""
    model, side = config.model, images.side
    if isinstance(model, TorchvisionClassifier):
        yield from _of_torchvision(model, side)
    elif side is None:
        return
    elif isinstance(model, Cnn):
        halvings = (len(model.channels) - 1) // 2
        if side < 2**halvings:
            yield Finding(
                "model.channels",
                f"{len(model.channels)} convolutions halve an image {halvings} times, and {side} px are too few: "
                f"choose at most {2 * side.bit_length()} convolutions, or larger images",
            )
    elif isinstance(model, ResNetCifar) and side < SMALLEST_FOR_RESNET:
        yield Finding(
            "model.kind", f"This network halves an image twice: choose images of {SMALLEST_FOR_RESNET} px or more"
        )


def _of_torchvision(model: TorchvisionClassifier, side: int | None) -> Iterator[Finding]:
    facts, seen = facts_of(model), model.input_size or side
    if facts is None or seen is None:
        return
    remedy = f"set model.input_size to {facts.native}, which scales them, or choose another network"
    if seen < facts.smallest:
        needs = f"at least {facts.smallest} × {facts.smallest} px"
    elif facts.smallest and seen % facts.multiple:
        needs = f"sides that are a multiple of {facts.multiple} px"
    else:
        return
    field = "model.input_size" if model.input_size else "model.name"
    yield Finding(field, f"{model.name} needs {needs}, and these images have {seen} × {seen} px: {remedy}")
