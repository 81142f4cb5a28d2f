"""Ends that no worker brings about: a queued run that is stopped, a running one whose worker fell silent."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection

from db import events, runs
from db.errors import RunLost
from db.records import Entry, Run
from db.schema import runs as table

STOPPED_EARLY = "It was stopped before a worker took it."


def stop_queued(connection: Connection, now: ColumnElement[datetime], run_id: str) -> None:
    """Stops a run that nobody has taken yet; asks a running one to stop; RunEnded after its end."""
    entry = Entry(
        kind="run_stopped",
        payload={"kind": "run_stopped", "epochs": 0, "reason": STOPPED_EARLY},
        at=datetime.now(UTC),
        ends="stopped",
        reason=STOPPED_EARLY,
    )
    try:
        events.append(connection, now, run_id, None, entry, guard=table.c.state == "queued")
    except RunLost:
        runs.ask_to_stop(connection, run_id)


def give_up(
    connection: Connection, now: ColumnElement[datetime], late: Iterable[Run], limit_seconds: float
) -> list[str]:
    """Fails the runs that were found silent, unless they were heard meanwhile. Returns the failed ones' ids."""
    given_up = []
    for run in late:
        # Guarded by the very heartbeat that was read: a worker that speaks up in between keeps its run.
        guard = (table.c.state == "running") & (table.c.heartbeat_at == run.heartbeat_at)
        try:
            events.append(connection, now, run.id, None, _fell_silent(limit_seconds), guard=guard)
        except RunLost:
            continue
        given_up.append(run.id)
    return given_up


def _fell_silent(limit_seconds: float) -> Entry:
    reason = f"The worker fell silent: nothing was heard from it for {limit_seconds:g} seconds."
    remedy = "Look whether its process or machine was ended, start a worker, and launch the run again."
    return Entry(
        kind="run_failed",
        payload={"kind": "run_failed", "reason": reason, "remedy": remedy, "details": ""},
        at=datetime.now(UTC),
        ends="failed",
        reason=reason,
    )
