"""What an event becomes in the store: the only place that knows both."""

import math
from datetime import UTC, datetime
from typing import Any

from contract.events import EpochFinished, Event, RunContinued, RunFailed, RunFinished, RunStarted, RunStopped
from db import EpochScalars, EventRecord, RetainedCheckpoints, Snapshot


def event_record(event: Event, kept: RetainedCheckpoints | None = None) -> EventRecord:
    """What the store keeps of this event, dated now; with the checkpoints that are kept, where it changes them."""
    facts: dict[str, Any] = {"kind": event.kind, "payload": event.model_dump(mode="json"), "at": datetime.now(UTC)}
    match event:
        case RunStarted() | RunContinued():
            return EventRecord(**facts, device=event.device)
        case EpochFinished():
            return EventRecord(**facts, epoch=_scalars(event), snapshots=_rows(event), kept=kept)
        case RunFinished():
            return EventRecord(**facts, ends="finished")
        case RunStopped():
            return EventRecord(**facts, ends="stopped", reason=event.reason)
        case RunFailed():
            return EventRecord(**facts, ends="failed", reason=" ".join(filter(None, (event.reason, event.remedy))))
        case _:
            return EventRecord(**facts)


def _scalars(event: EpochFinished) -> EpochScalars:
    return EpochScalars(
        epoch=event.epoch,
        learning_rate=event.learning_rate,
        train_loss=_finite(event.train_loss),
        train_accuracy=_finite(event.train_accuracy),
        test_loss=_finite(event.test_loss),
        test_accuracy=_finite(event.test_accuracy),
        applied_fraction=event.applied_fraction,
        frozen_fraction=event.frozen_fraction,
        frozen_counts=event.layers.frozen,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _rows(event: EpochFinished) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(
            layer=snapshot.index,
            neurons=snapshot.neurons,
            phi=snapshot.phi,
            velocity=snapshot.velocity,
            applied=snapshot.applied,
            frozen=snapshot.frozen,
        )
        for snapshot in event.snapshots
    )
