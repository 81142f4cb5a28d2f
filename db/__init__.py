"""The store: runs, what they said, and what their neurons did, in SQLite or PostgreSQL.

All questions go through `Store`; records come out as frozen dataclasses. This package knows no other one of the house.
"""

from db.changes import Changes
from db.condition import Condition
from db.errors import (
    CannotGoOn,
    EntryRefused,
    RunActive,
    RunEnded,
    RunLost,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreNewer,
    StoreUnreachable,
    UnknownCheckpoint,
    UnknownCursor,
    UnknownLayer,
    UnknownRun,
    UnknownWorker,
)
from db.records import (
    END_STATES,
    Checkpoint,
    Entry,
    EpochScalars,
    Field,
    Kept,
    LayerHistory,
    Run,
    RunPage,
    RunState,
    Snapshot,
    SnapshotRow,
    StoredEvent,
    Turn,
    Worker,
)
from db.store import Store

__all__ = [
    "END_STATES",
    "CannotGoOn",
    "Changes",
    "Checkpoint",
    "Condition",
    "Entry",
    "EntryRefused",
    "EpochScalars",
    "Field",
    "Kept",
    "LayerHistory",
    "Run",
    "RunActive",
    "RunEnded",
    "RunLost",
    "RunPage",
    "RunState",
    "Snapshot",
    "SnapshotRow",
    "Store",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreNewer",
    "StoreUnreachable",
    "StoredEvent",
    "Turn",
    "UnknownCheckpoint",
    "UnknownCursor",
    "UnknownLayer",
    "UnknownRun",
    "UnknownWorker",
    "Worker",
]
