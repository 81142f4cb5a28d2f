"""Transitions in a run's life that its worker does not bring about alone: ends, and ways back to the queue.

Each is one guarded UPDATE, and says in the run's own events what happened. The one way out of an end state is `resume`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, null, update

from db import events, runs
from db.errors import CannotResume, RunEnded, RunLost, UnknownRun
from db.recordings import lose
from db.records import END_STATES, EventRecord, Run
from db.schema import runs as table
from db.transactions import Transactions, urgent, writing

MOST_INTERRUPTIONS = 3
"""How often a run that was interrupted is tried again in the same epoch."""

STOPPED_EARLY = "It was stopped before a worker claimed it."
STOPPED_BETWEEN = "It was stopped before a worker claimed it again."
STOPPED = "It was stopped on request."
NO_CHECKPOINT = "no checkpoint of its latest epoch is kept"


class TransitionQueries(Transactions):
    """Stops that were asked for, and ways back to the queue."""

    @urgent()
    def request_stop(self, connection: Connection, run_id: str) -> Run:
        """Stops a queued run at once, and asks a running one to stop; RunEnded after its end, or UnknownRun."""
        now = self._now()
        run = runs.read(connection, run_id, alone=True)
        if run.state != "queued":
            return _ask_to_stop(connection, run_id)
        reason = STOPPED_EARLY if run.started_at is None else STOPPED_BETWEEN
        events.append(connection, now, run_id, None, _stopped(run, reason), guard=table.c.state == "queued")
        return runs.read(connection, run_id)

    @writing()
    def resume(self, connection: Connection, run_id: str) -> Run:
        """Queues a stopped or failed run again, to resume where its records end; CannotResume, or UnknownRun."""
        now = self._now()
        run = runs.read(connection, run_id, alone=True)
        if run.state == "finished":
            raise CannotResume(run_id, "all its epochs are trained; fork it, with more epochs, to train it further")
        if run.state not in END_STATES:
            raise CannotResume(run_id, f"it is {run.state}")
        if not run.can_resume:
            raise CannotResume(run_id, f"{NO_CHECKPOINT}; launch it again")
        guard = table.c.state.in_(("stopped", "failed"))
        changes = {"ended_at": null(), "reason": null(), "interruptions": 0}
        words = f"Requeued on request {_where(run)}."
        _requeue(connection, now, run, guard=guard, words=words, level="info", changes=changes)
        return runs.read(connection, run_id)


def requeue(
    connection: Connection,
    now: ColumnElement[datetime],
    run: Run,
    *,
    guard: ColumnElement[bool],
    reason: str,
    remedy: str,
    details: str = "",
    counted: bool = True,
) -> str:
    """Ends a run's time with its worker: it is queued again, and continues from its last checkpoint.

    It is failed instead where it cannot resume, or was interrupted too often in the same epoch; it is stopped where
    that was asked for. Returns the new state.

    Args:
        run: as it was read in this transaction.
        guard: what must still hold.
        reason: a sentence: what interrupted it.
        remedy: a sentence for a person, should it fail.
        details: the last lines of its log.
        counted: whether this is the run's own misfortune, and must not happen for ever.
    Raises:
        RunLost: the guard does not hold.
    """
    if run.stop_requested:
        events.append(connection, now, run.id, None, _stopped(run, STOPPED), guard=guard)
        return "stopped"
    if not run.can_resume:
        failed = _failed(f"{reason} It cannot be resumed: {NO_CHECKPOINT}.", "Launch it again.", details)
    elif counted and run.interruptions >= MOST_INTERRUPTIONS:
        times = run.interruptions + 1
        often = f"It was interrupted {times} times in epoch {run.epochs_done} and is not retried automatically."
        failed = _failed(f"{reason} {often}", remedy, details)
    else:
        changes = {"interruptions": run.interruptions + counted}
        words = f"{reason} The run is queued again, {_where(run)}."
        _requeue(connection, now, run, guard=guard, words=words, level="warning", changes=changes)
        return "queued"
    events.append(connection, now, run.id, None, failed, guard=guard)
    return "failed"


def requeue_silent(
    connection: Connection, now: ColumnElement[datetime], late: Iterable[Run], limit_seconds: float
) -> dict[str, str]:
    """Takes the runs that were found silent from their workers, unless they were heard meanwhile: id → new state."""
    states = {}
    reason = f"The worker sent no heartbeat for {limit_seconds:g} seconds."
    remedy = "Check whether its process or machine has stopped, start a worker, and resume the run."
    for run in late:
        # Guarded by the very heartbeat that was read: a worker that speaks up in between keeps its run.
        guard = (table.c.state == "running") & (table.c.heartbeat_at == run.heartbeat_at)
        try:
            found = runs.read(connection, run.id, alone=True)  # a stop may have been asked for since
            if found.source == "external":
                words = f"it sent nothing for {limit_seconds:g} seconds."
                states[run.id] = lose(connection, now, found, guard, words)
            else:
                states[run.id] = requeue(connection, now, found, guard=guard, reason=reason, remedy=remedy)
        except (RunLost, UnknownRun):
            continue
    return states


def _requeue(
    connection: Connection,
    now: ColumnElement[datetime],
    run: Run,
    *,
    guard: ColumnElement[bool],
    words: str,
    level: str,
    changes: dict[str, Any],
) -> None:
    back = {"state": "queued", "writer_id": null(), "stop_requested": False, "progress": null(), **changes}
    payload = {
        "kind": events.REQUEUED,
        "reason": words,
        "epochs": run.epochs_done,
        "interruptions": changes["interruptions"],
        "heard_at": None if run.heartbeat_at is None else run.heartbeat_at.isoformat(),
    }
    record = EventRecord(kind=events.REQUEUED, payload=payload, at=datetime.now(UTC))
    events.append(connection, now, run.id, None, record, guard=guard, changes=back)
    events.append(connection, now, run.id, None, _logged(words, level), guard=table.c.state == "queued")


def _where(run: Run) -> str:
    if run.epochs_done == 0:
        return "to start over, as no epoch had finished"
    return f"to resume at epoch {run.epochs_done}"


def _logged(text: str, level: str) -> EventRecord:
    return EventRecord(kind="logged", payload={"kind": "logged", "level": level, "text": text}, at=datetime.now(UTC))


def _stopped(run: Run, reason: str) -> EventRecord:
    return EventRecord(
        kind="run_stopped",
        payload={"kind": "run_stopped", "epochs": run.epochs_done, "reason": reason},
        at=datetime.now(UTC),
        ends="stopped",
        reason=reason,
    )


def _failed(reason: str, remedy: str, details: str) -> EventRecord:
    return EventRecord(
        kind="run_failed",
        payload={"kind": "run_failed", "reason": reason, "remedy": remedy, "details": details},
        at=datetime.now(UTC),
        ends="failed",
        reason=f"{reason} {remedy}",
    )


def _ask_to_stop(connection: Connection, run_id: str) -> Run:
    """Marks a running run; asking twice is asking once."""
    asked = update(table).where(table.c.id == run_id, table.c.state == "running", ~table.c.stop_requested)
    connection.execute(asked.values(stop_requested=True, revision=table.c.revision + 1))
    run = runs.read(connection, run_id)
    if run.state in END_STATES:
        raise RunEnded(run_id, run.state)
    return run
