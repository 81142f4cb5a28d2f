"""Entries as a worker would write them, small."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from db import EpochScalars, EventRecord, Snapshot

WORKER: dict[str, Any] = {"name": "w", "host": "h", "pid": 1, "device": "auto", "slots": 1}
NEURONS = (10, 3)


def now() -> datetime:
    """The time now, aware."""
    return datetime.now(UTC)


def logged(text: str) -> EventRecord:
    """A line of a log."""
    return EventRecord(kind="logged", payload={"kind": "logged", "text": text}, at=now())


def started() -> EventRecord:
    """A network of two layers stands."""
    layers = [{"index": i, "name": f"layer{i}", "neurons": n} for i, n in enumerate(NEURONS)]
    payload = {"kind": "run_started", "layers": layers, "neurons": sum(NEURONS)}
    return EventRecord(kind="run_started", payload=payload, at=now(), device="CPU")


def progressed(batch: int) -> EventRecord:
    """A sign of life."""
    return EventRecord(kind="epoch_progressed", payload={"kind": "epoch_progressed", "batch": batch}, at=now())


def ended(state: Any = "finished", reason: str | None = None) -> EventRecord:
    """The end of a run."""
    return EventRecord(kind=f"run_{state}", payload={"kind": f"run_{state}"}, at=now(), ends=state, reason=reason)


def divergence_of(epoch: int, layer: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A value that tells its epoch, layer and neuron."""
    return (epoch + layer / 10 + np.arange(NEURONS[layer]) / 1000).astype("<f4")


def frozen_of(epoch: int, layer: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The first `epoch` neurons are frozen."""
    return np.arange(NEURONS[layer]) < epoch


def row(epoch: int, layer: int) -> Snapshot:
    """One layer's neurons after an epoch; no velocity in the first."""
    divergence = divergence_of(epoch, layer)
    return Snapshot(
        layer=layer,
        neurons=NEURONS[layer],
        divergence=divergence.tobytes(),
        velocity=(-divergence).tobytes() if epoch else None,
        applied=np.packbits(frozen_of(max(0, epoch - 1), layer)).tobytes(),
        frozen=np.packbits(frozen_of(epoch, layer)).tobytes(),
    )


def epoch_finished(epoch: int, accuracy: float = 0.5, snapshots: tuple[Snapshot, ...] | None = None) -> EventRecord:
    """An epoch is over."""
    counts = tuple(int(frozen_of(epoch, layer).sum()) for layer in range(len(NEURONS)))
    share = sum(counts) / sum(NEURONS)
    payload = {"kind": "epoch_finished", "epoch": epoch, "layers": {"frozen": list(counts)}}
    scalars = EpochScalars(
        epoch=epoch,
        learning_rate=0.1,
        train_loss=1.0,
        train_accuracy=0.5,
        test_loss=1.0,
        test_accuracy=accuracy,
        applied_fraction=0.0,
        frozen_fraction=share,
        frozen_counts=counts,
    )
    rows = tuple(row(epoch, layer) for layer in range(len(NEURONS))) if snapshots is None else snapshots
    return EventRecord(kind="epoch_finished", payload=payload, at=now(), epoch=scalars, snapshots=rows)
