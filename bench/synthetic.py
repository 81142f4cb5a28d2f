"""Event streams of networks that were never trained, in the sizes that benchmarks ask for.

What they say is consistent: velocities follow from φ as the paper has them, masks from velocities, counts from masks.
It also looks like the real thing. A neuron's distance from its former self falls with the epochs; early layers
settle before late ones; a drop of the learning rate wakes a third of the neurons for two epochs and then brings
most to rest; a few never settle.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from bench.networks import Watched
from contract.events import (
    VELOCITY_EDGES,
    EpochFinished,
    Event,
    LayerCounts,
    LayerSnapshot,
    RunFinished,
    RunStarted,
    Seconds,
)

EPSILON = 1e-3
MU = 0.5
LEARNING_RATE = 0.1
CHURNING_BELOW = 0.9
DROPS = (0.4, 0.75)
"""Where the learning rate falls to a tenth, as shares of the run."""

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def stream(layers: Watched, epochs: int, seed: int = 0) -> Iterator[Event]:
    """A whole run, from its start to its end."""
    yield started(layers, epochs)
    last: EpochFinished | None = None
    for last in finished_epochs(layers, epochs, seed):
        yield last
    share = last.frozen_fraction if last else 0.0
    yield RunFinished(
        epochs=epochs, test_accuracy=last.test_accuracy if last else 0.0, frozen_fraction=share, seconds=1.0
    )


def started(layers: Watched, epochs: int) -> RunStarted:
    """The first event of a run over these layers."""
    return RunStarted(
        layers=layers,
        neurons=sum(layer.neurons for layer in layers),
        parameters=sum(layer.parameters for layer in layers),
        device="none (synthetic)",
        epochs=epochs,
        batches_per_epoch=100,
        train_samples=10_000,
        test_samples=1_000,
        probe_samples=200,
        first_freezing_epoch=2,
        versions={},
    )


def finished_epochs(layers: Watched, epochs: int, seed: int = 0) -> Iterator[EpochFinished]:
    """The run's epochs, one after the other."""
    random = np.random.default_rng(seed)
    stops = list(accumulate(layer.neurons for layer in layers))
    slices = [slice(stop - layer.neurons, stop) for stop, layer in zip(stops, layers, strict=True)]
    drops = [round(share * epochs) for share in DROPS]
    trait = _traits(random, slices)
    phi: Floats | None = None
    velocity: Floats | None = None
    applied = np.zeros(stops[-1], np.bool_)
    for epoch in range(epochs):
        now = (1 - _distance(random, trait, epoch, epochs, drops)).astype(np.float32)
        if phi is not None:
            velocity = (now - phi) - np.float32(MU) * (np.float32(0) if velocity is None else velocity)
        frozen = np.zeros_like(applied) if velocity is None else np.abs(velocity) < EPSILON
        rate = LEARNING_RATE * 0.1 ** sum(epoch >= drop for drop in drops)
        yield _Moment(slices, epoch, epochs, rate, now, velocity, applied, frozen).event()
        phi, applied = now, frozen


def _traits(random: np.random.Generator, slices: list[slice]) -> Floats:
    """What of log10 distance is each neuron's own: late layers are restless, and one in fifty never settles."""
    size = slices[-1].stop
    depth = np.concatenate([np.full(part.stop - part.start, place / len(slices)) for place, part in enumerate(slices)])
    restless = random.random(size) < 0.02
    return (random.normal(-0.3, 0.35, size) + 0.7 * depth + 2.0 * restless).astype(np.float32)


def _distance(
    random: np.random.Generator, trait: Floats, epoch: int, epochs: int, drops: list[int]
) -> npt.NDArray[np.float64]:
    """1 − φ after an epoch."""
    fallen = sum(epoch >= drop for drop in drops)
    level = -1.6 - 0.9 * fallen - 0.8 * epoch / epochs
    noise = random.normal(0, 0.25, trait.size)
    woken = random.random(trait.size) < (1 / 3 if any(0 <= epoch - drop < 2 for drop in drops) else 0.002)
    result: npt.NDArray[np.float64] = np.clip(10.0 ** (level + trait + noise + 1.2 * woken), 0, 2)
    return result


@dataclass(frozen=True)
class _Moment:
    """All that is known when an epoch ends."""

    slices: list[slice]
    epoch: int
    epochs: int
    rate: float
    phi: Floats
    velocity: Floats | None
    applied: Mask
    frozen: Mask

    def event(self) -> EpochFinished:
        progress = self.epoch / self.epochs
        return EpochFinished(
            epoch=self.epoch,
            learning_rate=self.rate,
            train_loss=0.1 + 2.2 * 0.05**progress,
            train_accuracy=0.98 - 0.85 * 0.02**progress,
            test_loss=0.3 + 2.0 * 0.05**progress,
            test_accuracy=0.92 - 0.8 * 0.02**progress,
            scores={"top5": 0.99 - 0.5 * 0.02**progress},
            applied_fraction=float(self.applied.mean()),
            frozen_fraction=float(self.frozen.mean()),
            layers=self._counts(),
            seconds=Seconds(train=1, probe=0.1, evaluate=0.1, record=0.001),
            snapshots=tuple(self._snapshot(index, part) for index, part in enumerate(self.slices)),
        )

    def _counts(self) -> LayerCounts:
        return LayerCounts(
            applied=self._count(self.applied),
            frozen=self._count(self.frozen),
            froze=self._count(self.frozen & ~self.applied),
            thawed=self._count(self.applied & ~self.frozen),
            phi_mean=tuple(float(self.phi[part].mean()) for part in self.slices),
            speed_mean=tuple(
                None if self.velocity is None else float(np.abs(self.velocity[part]).mean()) for part in self.slices
            ),
            velocity_histogram=tuple(
                None if self.velocity is None else _histogram(self.velocity[part]) for part in self.slices
            ),
            dead=(0,) * len(self.slices),
            churning=self._count(self.frozen & (self.phi < CHURNING_BELOW)),
        )

    def _count(self, mask: Mask) -> tuple[int, ...]:
        return tuple(int(mask[part].sum()) for part in self.slices)

    def _snapshot(self, index: int, part: slice) -> LayerSnapshot:
        return LayerSnapshot(
            index=index,
            neurons=part.stop - part.start,
            divergence=(1 - self.phi[part].astype(np.float64)).astype("<f4").tobytes(),
            velocity=None if self.velocity is None else self.velocity[part].astype("<f4").tobytes(),
            applied=np.packbits(self.applied[part]).tobytes(),
            frozen=np.packbits(self.frozen[part]).tobytes(),
        )


def _histogram(velocity: Floats) -> tuple[int, ...]:
    bins = np.searchsorted(VELOCITY_EDGES, velocity, side="right")
    return tuple(np.bincount(bins, minlength=len(VELOCITY_EDGES) + 1).tolist())
