"""A small run, told by hand: two layers of 10 and 3 neurons, three epochs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from contract.config import RunConfig
from contract.events import EpochFinished, Event, LayerCounts, LayerSnapshot, Logged, RunFinished, RunStarted, Seconds
from contract.layers import Layer
from contract.runfile import Moment, RunHeader

NEURONS = (10, 3)
BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)


def header() -> RunHeader:
    """What the file says of the run."""
    return RunHeader(
        id="abcdefghij",
        name="told · by hand",
        notes="two\nlines",
        tags=("one", "two"),
        config=RunConfig.model_validate({"training": {"epochs": 3}}).model_dump(mode="json"),
        epochs_planned=3,
        state="finished",
        device="CPU",
        created_at=BEGAN,
        started_at=BEGAN,
        ended_at=BEGAN + timedelta(minutes=1),
    )


def told() -> Iterator[Event]:
    """What the run said."""
    layers = tuple(
        Layer(index=index, name=f"layer{index}", type="Linear", neurons=count, parameters=count)
        for index, count in enumerate(NEURONS)
    )
    yield RunStarted(
        layers=layers,
        neurons=sum(NEURONS),
        parameters=13,
        device="CPU",
        epochs=3,
        batches_per_epoch=1,
        train_samples=1,
        test_samples=1,
        probe_samples=1,
        first_freezing_epoch=2,
        versions={"python": "3"},
    )
    random = np.random.default_rng(0)
    for epoch in range(3):
        yield _epoch(epoch, random)
        if epoch < 2:
            yield Logged(text=f"é \0 <b> {epoch}")
    yield RunFinished(epochs=3, test_accuracy=0.5, frozen_fraction=0.5, seconds=3.0)


def moments() -> Iterator[Moment]:
    """The same, as it is written into a file; numbers have gaps."""
    for number, event in enumerate(told()):
        snapshots = event.snapshots if isinstance(event, EpochFinished) else ()
        yield Moment(2 * number + 1, BEGAN + timedelta(seconds=number), event.model_dump_json(), snapshots)


def _epoch(epoch: int, random: np.random.Generator) -> EpochFinished:
    return EpochFinished(
        epoch=epoch,
        learning_rate=0.1,
        train_loss=1.0,
        train_accuracy=0.5,
        test_loss=1.0,
        test_accuracy=0.5,
        applied_fraction=0.0,
        frozen_fraction=0.25,
        layers=LayerCounts(
            applied=(0, 0),
            frozen=(3, 1),
            froze=(3, 1),
            thawed=(0, 0),
            phi_mean=(0.5, None),
            speed_mean=(None, None) if epoch == 0 else (0.1, 0.2),
            velocity_histogram=(None, None) if epoch == 0 else ((1,) * 39, (2,) * 39),
        ),
        seconds=Seconds(train=0.5, probe=0.25, evaluate=0.125, record=0.125),
        snapshots=tuple(_snapshot(index, count, epoch, random) for index, count in enumerate(NEURONS)),
    )


def _snapshot(index: int, count: int, epoch: int, random: np.random.Generator) -> LayerSnapshot:
    return LayerSnapshot(
        index=index,
        neurons=count,
        divergence=random.uniform(0, 2, count).astype("<f4").tobytes(),
        velocity=random.normal(size=count).astype("<f4").tobytes() if epoch else None,
        applied=np.packbits(random.random(count) < 0.5).tobytes(),
        frozen=np.packbits(random.random(count) < 0.5).tobytes(),
    )
