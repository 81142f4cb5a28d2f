"""What workers write: claims, what their runs said, heartbeats, and runs that they put back into the queue."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, exists, false, func, literal, select, tuple_, update

from db import events
from db.errors import RunLost
from db.records import EventRecord, NewRun, Run
from db.runs import COLUMNS, create, owned, read, run_of
from db.schema import runs, settings
from db.transactions import Transactions, reading, urgent, writing
from db.transitions import requeue, requeue_silent

HEARING_SECONDS = 10.0
"""What workers get to speak up after the database was away: a few of their heartbeats."""

LABELS = "compute.labels"
"""The setting by which a run asks for a node with certain labels."""


class ClaimQueries(Transactions):
    """What workers write."""

    @writing(tell=False)
    def claim(self, connection: Connection, worker_id: str, checkpoint_store: str = "") -> Run | None:
        """Gives the first run of the queue to this worker; None when nothing is queued for it. No run is given twice.

        Runs that ask for labels are passed over: a worker of a single machine has none.

        Args:
            worker_id: who asks.
            checkpoint_store: where it keeps checkpoints; runs whose checkpoints are in another are not for it.
        """
        first = select(runs.c.id).where(_claimable(checkpoint_store), ~_asks_for_labels())
        first = first.order_by(runs.c.queue_rank, runs.c.id).limit(1)
        which = runs.c.id == first.with_for_update(skip_locked=True).scalar_subquery()
        return self._claimed(connection, worker_id, which & (runs.c.state == "queued"))

    @writing(tell=False)
    def claim_run(self, connection: Connection, run_id: str, worker_id: str, checkpoint_store: str = "") -> Run | None:
        """Gives this run to the worker, which has a place for it; None where it is not to be had any more.

        Args:
            run_id: which, as `claimable` named it: it may have been claimed, held, stopped or deleted since.
            worker_id, checkpoint_store: as in `claim`.
        """
        return self._claimed(connection, worker_id, (runs.c.id == run_id) & _claimable(checkpoint_store))

    def _claimed(self, connection: Connection, worker_id: str, which: ColumnElement[bool]) -> Run | None:
        now = self._now()
        taken = (
            update(runs)
            .where(which)
            .values(
                state="running",
                writer_id=worker_id,
                started_at=func.coalesce(runs.c.started_at, now),
                heartbeat_at=now,
                revision=runs.c.revision + 1,
            )
            .returning(*COLUMNS)
        )
        row = connection.execute(taken).one_or_none()
        if row is None:
            return None
        self._database.announce(connection)
        return run_of(row)

    @reading
    def claimable(
        self, connection: Connection, checkpoint_store: str = "", *, after: Run | None = None, limit: int = 50
    ) -> list[Run]:
        """The first runs of the queue that a worker may claim, in its order, those that ask for labels too.

        Args:
            checkpoint_store: as in `claim`.
            after: only those behind this one.
            limit: how many at most.
        """
        query = select(*COLUMNS).where(_claimable(checkpoint_store))
        if after is not None:
            query = query.where(tuple_(runs.c.queue_rank, runs.c.id) > tuple_(after.queue_rank, after.id))
        query = query.order_by(runs.c.queue_rank, runs.c.id).limit(limit)
        return [run_of(row) for row in connection.execute(query)]

    @writing()
    def begin_run(self, connection: Connection, worker_id: str, new: NewRun, *, checkpoint_store: str) -> Run:
        """Makes a run that is this worker's from its first moment on, so that no other can claim it.

        Args:
            worker_id: who tells it.
            checkpoint_store: as in `claim`. One that no other worker has keeps the run from all others for good.
        """
        now = self._now()
        made = create(connection, now, new)
        values = {
            "state": "running",
            "writer_id": worker_id,
            "started_at": now,
            "heartbeat_at": now,
            "checkpoint_store": checkpoint_store,
        }
        taken = update(runs).where(runs.c.id == made.id).values(**values)
        return run_of(connection.execute(taken.returning(*COLUMNS)).one())

    def append(self, run_id: str, worker_id: str, record: EventRecord) -> int:
        """Stores what a run said, with its epoch, neurons and end, wholly or not at all. Returns its number.

        What names checkpoints outlives a power cut, once this returns: older ones may then be deleted.

        Raises:
            RunLost: the run is not, or no longer, running under this worker.
            EventRefused: it contradicts what is stored, such as an epoch that is there already.
        """
        if record.ends is not None:
            return self._append_end(run_id, worker_id, record)
        with self._database.writing(durable=record.kept is not None) as connection:
            return events.append(connection, self._now(), run_id, worker_id, record)

    @urgent()
    def _append_end(self, connection: Connection, run_id: str, worker_id: str, record: EventRecord) -> int:
        """A run can end on a full disk too."""
        return events.append(connection, self._now(), run_id, worker_id, record)

    @urgent(tell=False)
    def heartbeat(self, connection: Connection, run_id: str, worker_id: str) -> bool:
        """Notes that the worker still has the run. Returns whether a stop is asked for; or RunLost."""
        now = self._now()
        touched = update(runs).where(owned(run_id, worker_id)).values(heartbeat_at=now)
        row = connection.execute(touched.returning(runs.c.stop_requested)).one_or_none()
        if row is None:
            raise RunLost(run_id, worker_id)
        return bool(row.stop_requested)

    @urgent()
    def requeue(
        self,
        connection: Connection,
        run_id: str,
        worker_id: str,
        *,
        reason: str,
        remedy: str,
        details: str = "",
        counted: bool = True,
    ) -> str:
        """Ends a run's time with its worker: it goes back to the queue, and continues from its last checkpoint.

        It is failed instead where it has no checkpoint, or was interrupted more than three times in the same epoch.

        Args:
            run_id, worker_id: which run, and who has it.
            reason: a sentence: what interrupted it.
            remedy: a sentence for a person, should it fail.
            details: the last lines of its log, should it fail.
            counted: whether this counts as the run's misfortune; False for a worker that is ended in order.
        Returns:
            The run's new state.
        Raises:
            RunLost, UnknownRun: the run is not, or no longer, running under this worker.
        """
        run = read(connection, run_id, alone=True)
        guard = owned(run_id, worker_id)
        return requeue(
            connection, self._now(), run, guard=guard, reason=reason, remedy=remedy, details=details, counted=counted
        )

    def requeue_silent(self, limit_seconds: float) -> dict[str, str]:
        """Takes the running runs whose worker has been silent for longer than that, as `requeue` does: id → state.

        After the database did not answer, no run is taken for some seconds: its worker could not be heard.
        """
        late = self._silent(limit_seconds)
        if not late or self._database.answering_seconds() < min(limit_seconds, HEARING_SECONDS):
            return {}
        return self._requeue_silent(late, limit_seconds)

    @reading
    def _silent(self, connection: Connection, limit_seconds: float) -> list[Run]:
        """The running runs whose worker was last heard longer ago than that."""
        cutoff = connection.execute(select(self._now())).scalar_one() - timedelta(seconds=limit_seconds)
        late = runs.c.heartbeat_at < literal(cutoff, runs.c.heartbeat_at.type)
        return [run_of(row) for row in connection.execute(select(*COLUMNS).where(runs.c.state == "running", late))]

    @urgent()
    def _requeue_silent(self, connection: Connection, late: Iterable[Run], limit_seconds: float) -> dict[str, str]:
        """As `requeue_silent`, of runs that were found silent."""
        return requeue_silent(connection, self._now(), late, limit_seconds)


def _claimable(checkpoint_store: str) -> ColumnElement[bool]:
    """Whether a run waits, and a worker that keeps its checkpoints there can train it."""
    within_reach = runs.c.checkpoint_store.is_(None) | (runs.c.checkpoint_store == checkpoint_store)
    return (runs.c.state == "queued") & (runs.c.held == false()) & within_reach


def _asks_for_labels() -> ColumnElement[bool]:
    asked = (settings.c.path == LABELS) & (settings.c.text != "[]")
    return exists().where(settings.c.run_id == runs.c.id, asked)
