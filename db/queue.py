"""The order in which workers take queued runs, and what changes it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, false, select, update

from db.errors import NotQueued
from db.ranks import APART, PRIORITY_SECONDS, last_rank, rank_of
from db.records import Run
from db.runs import COLUMNS, read, run_of
from db.schema import runs
from db.transactions import Transactions, reading, writing

CLOSEST = APART / 10
"""Between ranks that are nearer nobody can be put: those behind are numbered anew."""


class QueueQueries(Transactions):
    """The queue, and what changes its order."""

    @reading
    def queue(self, connection: Connection, *, held: bool = False) -> list[str]:
        """The ids of the queued runs in the order in which workers take them; those that are held only where asked."""
        query = select(runs.c.id).where(runs.c.state == "queued")
        if not held:
            query = query.where(runs.c.held == false())
        return list(connection.execute(query.order_by(runs.c.queue_rank, runs.c.id)).scalars())

    @writing()
    def hold(self, connection: Connection, run_id: str, held: bool) -> Run:
        """Has workers pass a queued run over, or take it again; NotQueued, or UnknownRun."""
        return _changed(connection, run_id, held=held)

    @writing()
    def prioritise(self, connection: Connection, run_id: str, priority: int) -> Run:
        """Gives a queued run another priority, where it stands by its age; NotQueued, or UnknownRun."""
        run = read(connection, run_id, alone=True)
        moment = run.queue_rank + run.priority * PRIORITY_SECONDS
        return _changed(connection, run_id, priority=priority, queue_rank=rank_of(moment, priority))

    @writing()
    def move(self, connection: Connection, run_id: str, before: str | None) -> Run:
        """Puts a queued run right before another, and gives it that one's priority; None: at the very end.

        Raises:
            NotQueued: one of them is not queued.
            UnknownRun: there is no such run.
        """
        read(connection, run_id, alone=True)
        query = select(runs.c.id, runs.c.queue_rank, runs.c.priority).where(runs.c.state == "queued")
        order = [row for row in connection.execute(query.order_by(runs.c.queue_rank, runs.c.id)) if row.id != run_id]
        if before is None:
            priority = order[-1].priority if order else 0
            rank = last_rank(connection, priority) or 0.0
            return _changed(connection, run_id, priority=priority, queue_rank=rank + APART)
        place = next((place for place, row in enumerate(order) if row.id == before), None)
        if place is None:
            raise NotQueued(before, read(connection, before).state)
        return _before(connection, run_id, order, place)


def _before(connection: Connection, run_id: str, order: Sequence[Any], place: int) -> Run:
    """Puts a run before the one at this place among the others."""
    below = order[place]
    peers = [row for row in order[:place] if row.priority == below.priority]
    if not peers:
        return _changed(connection, run_id, priority=below.priority, queue_rank=below.queue_rank - APART)
    above, rank = peers[-1].queue_rank, below.queue_rank
    if rank - above < 2 * CLOSEST:
        behind = [row.id for row in order[place:] if row.priority == below.priority]
        for step, other in enumerate(behind, start=1):
            _changed(connection, other, queue_rank=above + step * APART)
        rank = above + APART
    return _changed(connection, run_id, priority=below.priority, queue_rank=(above + rank) / 2)


def _changed(connection: Connection, run_id: str, **values: object) -> Run:
    changed = update(runs).where(runs.c.id == run_id, runs.c.state == "queued")
    changed = changed.values(**values, revision=runs.c.revision + 1)
    row = connection.execute(changed.returning(*COLUMNS)).one_or_none()
    if row is None:
        raise NotQueued(run_id, read(connection, run_id).state)
    return run_of(row)
