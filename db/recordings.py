"""External runs: made, told and taken over by recorders in somebody else's scripts, who number their own events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, null, select, update

from db import events
from db.errors import (
    EventRefused,
    NotExternal,
    PartGap,
    PartMoved,
    RunEnded,
    RunExists,
    RunHeld,
    TooManyRecorded,
)
from db.lifetimes import CONTINUED
from db.records import END_STATES, EventRecord, NewRun, Run
from db.runs import COLUMNS, create, read, run_of
from db.schema import runs
from db.transactions import Transactions, writing

LOST = "The recorder is lost"
"""How the reason of a run begins whose recorder fell silent; its own writer's next part takes it up again."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a part.

    Attributes:
        last_seq: the recorder's number of the newest event that is stored.
        stop_requested: whether somebody asked for the run to stop.
    """

    last_seq: int
    stop_requested: bool


class RecordingQueries(Transactions):
    """What recorders write."""

    @writing()
    def begin_external(
        self, connection: Connection, run_id: str, writer_id: str, new: NewRun, most: int | None = None
    ) -> tuple[Run, bool]:
        """Makes an external run under an id that its recorder drew, and says whether it was made now.

        Asked again by the same writer it is the same run, as it stands.

        Args:
            most: external runs that may be recorded at once; None: any number.
        Raises:
            RunExists: another's has the id.
            TooManyRecorded: there are as many as may be.
        """
        row = connection.execute(select(*COLUMNS).where(runs.c.id == run_id)).one_or_none()
        if row is not None:
            found = run_of(row)
            if found.source != "external" or found.writer_id != writer_id:
                raise RunExists(run_id)
            return found, False
        if most is not None and _recorded_now(connection) >= most:
            raise TooManyRecorded(most)
        create(connection, self._now(), replace(new, source="external"), run_id=run_id)
        now = self._now()
        values = {
            "state": "running",
            "writer_id": writer_id,
            "started_at": now,
            "heartbeat_at": now,
        }
        made = update(runs).where(runs.c.id == run_id).values(values)
        return run_of(connection.execute(made.returning(*COLUMNS)).one()), True

    @writing()
    def append_part(
        self,
        connection: Connection,
        run_id: str,
        writer_id: str,
        first: int,
        records: Sequence[EventRecord],
        *,
        expected: int | None = None,
    ) -> Taken:
        """Stores what a recorder tells, wholly or not at all; what is stored already is passed over.

        Args:
            first: its number of the first event; of the one to come, where there is none.
            records: the events in order; none is a heartbeat.
            expected: number of the newest event that is stored, as the caller believes.
        Raises:
            PartMoved: that is another one; nothing was stored.
            UnknownRun, NotExternal, RunHeld, RunEnded: this writer cannot tell of this run. One that has ended goes on
                where what follows begins with `run_continued`.
            PartGap: events before `first` are missing.
            EventRefused: an event contradicts what is stored.
        """
        run = read(connection, run_id, alone=True)
        if expected is not None and run.writer_seq != expected:
            raise PartMoved(run_id)
        fresh = list(records[max(0, run.writer_seq + 1 - first) :])
        anew = bool(fresh) and fresh[0].kind == CONTINUED
        _refuse(run, writer_id, ended_is_fine=anew or (not fresh and bool(records)))
        if first > run.writer_seq + 1:
            raise PartGap(run_id, run.writer_seq)
        if not records:
            self._heard(connection, run)
        if fresh or not records:
            if anew and run.state in END_STATES:
                connection.execute(update(runs).where(runs.c.id == run.id).values(_going_on() | _NO_STOP))
                run = replace(run, stop_requested=False)
            elif _is_lost(run):
                self._take_up(connection, run)
        self._append(connection, run, writer_id, fresh)
        return Taken(run.writer_seq + len(fresh), run.stop_requested)

    def _heard(self, connection: Connection, run: Run) -> None:
        connection.execute(update(runs).where(runs.c.id == run.id).values(heartbeat_at=self._now()))

    def _append(self, connection: Connection, run: Run, writer_id: str, fresh: Sequence[EventRecord]) -> None:
        for number, record in enumerate(fresh[:-1], run.writer_seq + 1):
            if record.ends is not None:
                raise EventRefused(f"Run {run.id!r} has ended with event {number}: nothing can follow.")
        if fresh:
            changes = {"writer_seq": run.writer_seq + len(fresh)}
            shown = run.progress is not None or any(record.kind == events.PROGRESS for record in fresh)
            events.append_all(connection, self._now(), run.id, writer_id, fresh, changes=changes, progress=shown)

    def _take_up(self, connection: Connection, run: Run) -> None:
        """A run that was taken for lost goes on."""
        connection.execute(update(runs).where(runs.c.id == run.id).values(_going_on()))
        payload = {"kind": "run_continued", "epoch": run.epochs_done, "device": run.device or "", "versions": {}}
        record = EventRecord(kind="run_continued", payload=payload, at=datetime.now(UTC))
        events.append(connection, self._now(), run.id, run.writer_id, record)

    @writing()
    def take_over(self, connection: Connection, run_id: str, writer_id: str) -> Run:
        """Hands an external run that has ended, or is lost, to a new writer; RunHeld while another one is alive."""
        run = read(connection, run_id, alone=True)
        if run.source != "external":
            raise NotExternal(run_id)
        if run.state not in END_STATES and run.writer_id != writer_id:
            raise RunHeld(run_id)
        values = _going_on() | _NO_STOP | {"writer_id": writer_id, "heartbeat_at": self._now()}
        taken = update(runs).where(runs.c.id == run_id).values(values)
        return run_of(connection.execute(taken.returning(*COLUMNS)).one())


def _recorded_now(connection: Connection) -> int:
    """External runs that are recorded at the moment, dead ones included until they are given up."""
    here = (runs.c.state == "running") & (runs.c.source == "external")
    return int(connection.execute(select(func.count()).select_from(runs).where(here)).scalar_one())


def _going_on() -> dict[str, Any]:
    """What changes of a run that has ended and goes on."""
    return {"state": "running", "ended_at": null(), "reason": null(), "revision": runs.c.revision + 1}


_NO_STOP = {"stop_requested": False}
"""Of one that somebody starts again: what was asked for before is done."""


def _refuse(run: Run, writer_id: str, *, ended_is_fine: bool) -> None:
    if run.source != "external":
        raise NotExternal(run.id)
    if run.writer_id != writer_id:
        raise RunHeld(run.id)
    if run.state in END_STATES and not _is_lost(run) and not ended_is_fine:
        raise RunEnded(run.id, run.state)


def _is_lost(run: Run) -> bool:
    return run.state == "failed" and (run.reason or "").startswith(LOST)


def lose(connection: Connection, now: ColumnElement[datetime], run: Run, guard: ColumnElement[bool], words: str) -> str:
    """Ends an external run whose recorder fell silent. Returns its new state.

    Args:
        guard: what must still hold.
        words: since when it is silent, as a sentence.
    """
    reason = f"{LOST}: {words}"
    remedy = "Check whether its script still runs: what it sends next is taken; or resume the run from the script."
    payload = {"kind": "run_failed", "reason": reason, "remedy": remedy, "details": ""}
    record = EventRecord(
        kind="run_failed", payload=payload, at=datetime.now(UTC), ends="failed", reason=f"{reason} {remedy}"
    )
    events.append(connection, now, run.id, None, record, guard=guard)
    return "failed"
