"""What runs took, for what is expected of others like them."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from db.records import Run
from db.runs import COLUMNS, run_of
from db.schema import checkpoints, events, runs, snapshots
from db.transactions import Transactions, reading

EPOCH_BYTES = 500
"""An epoch's row of figures, and their points as metrics."""
ROW_BYTES = 60
"""What a database adds to a row's own bytes: its key, twice, and its head."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a run takes in the store and beside it, in bytes.

    Attributes:
        arrays: of its newest epoch that has arrays.
        events: of its newest epoch's event and figures.
        checkpoints: all that it keeps.
    """

    arrays: int
    events: int
    checkpoints: int


class CostQueries(Transactions):
    """What runs took."""

    @reading
    def runs_of_cost(self, connection: Connection, cost_key: str, limit: int = 5) -> list[Run]:
        """The newest runs of this key that have finished an epoch, the newest first."""
        query = select(*COLUMNS).where(runs.c.cost_key == cost_key, runs.c.epochs_done > 0)
        return [run_of(row) for row in connection.execute(query.order_by(runs.c.created_at.desc()).limit(limit))]

    @reading
    def size(self, connection: Connection, run_id: str) -> Size:
        """What a run's newest epoch took, and what its checkpoints take."""
        mine = snapshots.c.run_id == run_id
        newest = select(func.max(snapshots.c.epoch)).where(mine, snapshots.c.layer == 0).scalar_subquery()
        parts = ("velocity", "divergence", "phi", "applied", "frozen")
        lengths = sum((func.coalesce(func.length(snapshots.c[name]), 0) for name in parts), ROW_BYTES)
        arrays = select(func.sum(lengths)).where(mine, snapshots.c.epoch == newest)
        text = func.length(events.c.payload) + func.coalesce(func.length(events.c.layers), 0) + ROW_BYTES
        event = select(text).where(events.c.run_id == run_id, events.c.kind == "epoch_finished")
        kept = select(func.sum(checkpoints.c.size_bytes)).where(checkpoints.c.run_id == run_id)
        return Size(
            int(connection.execute(arrays).scalar_one() or 0),
            EPOCH_BYTES + int(connection.execute(event.order_by(events.c.seq.desc()).limit(1)).scalar() or 0),
            int(connection.execute(kept).scalar_one() or 0),
        )
