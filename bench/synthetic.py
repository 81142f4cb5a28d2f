"""Event streams of networks that were never trained, in the sizes that benchmarks ask for."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from trainer.events import (
    VELOCITY_EDGES,
    EpochFinished,
    Layer,
    LayerCounts,
    LayerSnapshot,
    RunStarted,
    Seconds,
)

EPSILON = 1e-3
RESNET32 = (*(channels for channels, layers in ((16, 22), (32, 20), (64, 20)) for _ in range(layers)), 10)
"""Neurons of the 63 layers of the paper's ResNet-32: convolutions and batch norms in three stages, and the head."""


def started(widths: Sequence[int], epochs: int) -> RunStarted:
    """The first event of a run over layers with these many neurons."""
    layers = tuple(
        Layer(index=index, name=f"layer{index}", type="Conv2d", neurons=width, parameters=9 * width)
        for index, width in enumerate(widths)
    )
    return RunStarted(
        layers=layers,
        neurons=sum(widths),
        parameters=9 * sum(widths),
        device="none (synthetic)",
        epochs=epochs,
        batches_per_epoch=1,
        train_samples=1,
        test_samples=1,
        probe_samples=1,
        first_freezing_epoch=2,
        versions={},
    )


def epochs(widths: Sequence[int], count: int, seed: int = 0) -> Iterator[EpochFinished]:
    """`count` epochs in which more and more neurons settle, and some stir again."""
    random = np.random.default_rng(seed)
    applied = np.zeros(sum(widths), dtype=bool)
    stops = list(accumulate(widths))
    slices = [slice(stop - width, stop) for width, stop in zip(widths, stops, strict=True)]
    for epoch in range(count):
        spread = 10.0 ** (-1.5 - 2.5 * epoch / count)
        velocity = (random.standard_normal(applied.size) * spread).astype(np.float32)
        frozen = np.abs(velocity) < EPSILON
        yield _epoch(epoch, slices, velocity, frozen, applied)
        applied = frozen


def _epoch(
    epoch: int,
    slices: Sequence[slice],
    velocity: npt.NDArray[np.float32],
    frozen: npt.NDArray[np.bool_],
    applied: npt.NDArray[np.bool_],
) -> EpochFinished:
    counts = LayerCounts(
        applied=tuple(int(applied[part].sum()) for part in slices),
        frozen=tuple(int(frozen[part].sum()) for part in slices),
        froze=tuple(int((frozen & ~applied)[part].sum()) for part in slices),
        thawed=tuple(int((applied & ~frozen)[part].sum()) for part in slices),
        phi_mean=tuple(float(1 - np.abs(velocity[part]).mean()) for part in slices),
        speed_mean=tuple(float(np.abs(velocity[part]).mean()) for part in slices),
        velocity_histogram=tuple(_histogram(velocity[part]) for part in slices),
    )
    snapshots = tuple(
        LayerSnapshot(
            index=index,
            neurons=part.stop - part.start,
            phi=(1 - np.abs(velocity[part])).astype("<f4").tobytes(),
            velocity=velocity[part].astype("<f4").tobytes(),
            applied=np.packbits(applied[part]).tobytes(),
            frozen=np.packbits(frozen[part]).tobytes(),
        )
        for index, part in enumerate(slices)
    )
    return EpochFinished(
        epoch=epoch,
        learning_rate=0.1,
        train_loss=1 / (1 + epoch),
        train_accuracy=1 - 1 / (2 + epoch),
        test_loss=1 / (1 + epoch),
        test_accuracy=1 - 1 / (2 + epoch),
        applied_share=float(applied.mean()),
        frozen_share=float(frozen.mean()),
        layers=counts,
        seconds=Seconds(train=1, probe=0.1, evaluate=0.1, record=0.001),
        snapshots=snapshots,
    )


def _histogram(velocity: npt.NDArray[np.float32]) -> tuple[int, ...]:
    bins = np.searchsorted(VELOCITY_EDGES, velocity, side="right")
    return tuple(int(number) for number in np.bincount(bins, minlength=len(VELOCITY_EDGES) + 1))
