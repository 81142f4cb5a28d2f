"""Transitions of runs, read for many runs at once: what started, interrupted, resumed and ended each."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, case, null, select

from db.events import FINISHED, REQUEUED, STARTED
from db.records import Transition
from db.schema import events
from db.transactions import Transactions, reading

CONTINUED = "run_continued"
TRANSITIONS = (STARTED, CONTINUED, REQUEUED, "run_finished", "run_stopped", "run_failed")


class LifetimeQueries(Transactions):
    """The transitions of runs."""

    @reading
    def transitions(self, connection: Connection, run_ids: Iterable[str]) -> dict[str, list[Transition]]:
        """What started, interrupted, resumed and ended each of these runs, oldest first."""
        run_ids = list(run_ids)
        told = events.c.kind.in_((CONTINUED, REQUEUED))  # the others' payloads are long, and nothing of them is wanted
        payload = case((told, events.c.payload), else_=null()).label("payload")
        columns = [events.c.run_id, events.c.seq, events.c.kind, events.c.at]
        query = select(*columns, payload).where(events.c.run_id.in_(run_ids), events.c.kind.in_(TRANSITIONS))
        found: dict[str, list[Transition]] = {run_id: [] for run_id in run_ids}
        for row in connection.execute(query.order_by(events.c.run_id, events.c.seq)):
            found[row.run_id].append(Transition(seq=row.seq, at=row.at, kind=row.kind, payload=row.payload or {}))
        return found

    @reading
    def newest_epochs(self, connection: Connection, run_id: str, count: int) -> list[dict[str, Any]]:
        """What a run's newest finished epochs said, oldest first, without their per-layer columns."""
        query = select(events.c.payload).where(events.c.run_id == run_id, events.c.kind == FINISHED)
        return list(connection.execute(query.order_by(events.c.seq.desc()).limit(count)).scalars())[::-1]
