"""What a worker's event becomes in the store: the only place here that knows both."""

from contract.events import EpochFinished, Event
from db import EventRecord, RetainedCheckpoints, Snapshot, event_record


def record_of(event: Event, kept: RetainedCheckpoints | None = None) -> EventRecord:
    """What the store keeps of this event, dated now; with the checkpoints that are kept, where it changes them."""
    snapshots = event.snapshots if isinstance(event, EpochFinished) else ()
    rows = [
        Snapshot(
            layer=snapshot.index,
            neurons=snapshot.neurons,
            divergence=snapshot.divergence,
            velocity=snapshot.velocity,
            applied=snapshot.applied,
            frozen=snapshot.frozen,
            phi=snapshot.phi,
        )
        for snapshot in snapshots
    ]
    return event_record(event.model_dump(mode="json"), snapshots=rows, kept=kept)
