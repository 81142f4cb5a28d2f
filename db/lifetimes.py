"""Turns in the lives of runs, read for many runs at once: what began, cut off, continued and ended each."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, case, null, select

from db.events import FINISHED, REQUEUED, STARTED
from db.records import Turn
from db.schema import events, runs

CONTINUED = "run_continued"
TURNS = (STARTED, CONTINUED, REQUEUED, "run_finished", "run_stopped", "run_failed")


def turns(connection: Connection, run_ids: Sequence[str]) -> dict[str, list[Turn]]:
    """All turns of these runs, oldest first: how long a run was trained is told by the oldest, too."""
    told = events.c.kind.in_((CONTINUED, REQUEUED))  # the others' payloads are long, and nothing of them is wanted
    payload = case((told, events.c.payload), else_=null()).label("payload")
    columns = [events.c.run_id, events.c.seq, events.c.kind, events.c.at]
    query = select(*columns, payload).where(events.c.run_id.in_(run_ids), events.c.kind.in_(TURNS))
    found: dict[str, list[Turn]] = {run_id: [] for run_id in run_ids}
    for row in connection.execute(query.order_by(events.c.run_id, events.c.seq)):
        found[row.run_id].append(Turn(seq=row.seq, at=row.at, kind=row.kind, payload=row.payload or {}))
    return found


def newest_epochs(connection: Connection, run_id: str, count: int) -> list[dict[str, Any]]:
    """What the newest finished epochs of a run said, oldest first, without their per-layer columns."""
    query = select(events.c.payload).where(events.c.run_id == run_id, events.c.kind == FINISHED)
    return list(connection.execute(query.order_by(events.c.seq.desc()).limit(count)).scalars())[::-1]


def queue(connection: Connection) -> list[str]:
    """The queued runs in the order in which workers take them."""
    query = select(runs.c.id).where(runs.c.state == "queued")
    return list(connection.execute(query.order_by(runs.c.created_at, runs.c.id)).scalars())
