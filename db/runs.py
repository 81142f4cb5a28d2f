"""Runs: made, read, described, deleted.

They are listed in `run_pages`, claimed in `claims`, stopped and otherwise changed in state in `transitions`.
"""

import secrets
import string
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.engine import Row

from db import checkpoints
from db.errors import RunActive, UnknownRun
from db.ranks import APART, new_rank
from db.records import NewRun, Run
from db.schema import epochs, runs
from db.settings import store_settings
from db.transactions import Transactions, reading, urgent, writing

LONGEST_PAGE = 500
_ALPHABET = string.ascii_lowercase + string.digits
COLUMNS = [
    column if column.key == column.name else column.label(column.key)
    for column in runs.c
    if column.name != "searchable"
]

Now = ColumnElement[datetime]


class RunQueries(Transactions):
    """Runs: made, read, described, deleted."""

    @writing()
    def create_run(
        self,
        connection: Connection,
        *,
        config: Mapping[str, Any],
        epochs_planned: int,
        name: str = "",
        notes: str = "",
        tags: Iterable[str] = (),
        group: str | None = None,
        cost_key: str | None = None,
        warnings: Iterable[dict[str, Any]] = (),
    ) -> Run:
        """Queues a new run; `warnings` is what was doubtful about it, `field` and `message` of each."""
        described: dict[str, Any] = {"name": name, "notes": notes, "tags": tags, "group": group, "cost_key": cost_key}
        new = NewRun(config=config, epochs_planned=epochs_planned, warnings=warnings, **described)
        return create(connection, self._now(), new)

    @writing()
    def create_runs(self, connection: Connection, new: Sequence[NewRun]) -> list[Run]:
        """Queues new runs in their order: all of them, or none."""
        moment = connection.execute(select(self._now())).scalar_one()
        first = {priority: new_rank(connection, moment, priority) for priority in {each.priority for each in new}}
        rows = [
            # A microsecond apart, so that a list has them in this order too.
            _values(_new_id(), moment + timedelta(microseconds=place), each, first[each.priority] + place * APART)
            for place, each in enumerate(new)
        ]
        made = [run_of(connection.execute(insert(runs).values(row).returning(*COLUMNS)).one()) for row in rows]
        store_settings(connection, [(run.id, run.config) for run in made])
        return made

    @reading
    def run(self, connection: Connection, run_id: str) -> Run:
        """The run as it stands, or UnknownRun."""
        return read(connection, run_id)

    @reading
    def runs_called(self, connection: Connection, run_ids: Iterable[str]) -> list[Run]:
        """Those of these runs that are there, in no order."""
        query = select(*COLUMNS).where(runs.c.id.in_(list(run_ids)))
        return [run_of(row) for row in connection.execute(query)]

    @writing()
    def describe_run(
        self,
        connection: Connection,
        run_id: str,
        *,
        name: str | None = None,
        notes: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> Run:
        """Changes what is given of a run's name, notes and tags, whatever its state; or UnknownRun."""
        before = read(connection, run_id, alone=True)
        values: dict[str, Any] = {
            "name": before.name if name is None else name,
            "notes": before.notes if notes is None else notes,
            "tags": before.tags if tags is None else tuple(tags),
        }
        values["searchable"] = _searchable(run_id, values["name"], values["notes"], values["tags"])
        return changed(connection, run_id, values)

    @urgent()
    def delete_run(self, connection: Connection, run_id: str) -> None:
        """Deletes a run with all that belongs to it; RunActive while it is running, or UnknownRun."""
        checkpoints.discard_all(connection, run_id)
        gone = delete(runs).where(runs.c.id == run_id, runs.c.state != "running")
        if connection.execute(gone).rowcount == 0:
            read(connection, run_id)
            raise RunActive(run_id)

    @reading
    def forks(self, connection: Connection, run_id: str) -> list[Run]:
        """The runs that were forked from this one and are still there, oldest first."""
        query = select(*COLUMNS).where(runs.c.parent_id == run_id)
        return [run_of(row) for row in connection.execute(query.order_by(runs.c.created_at, runs.c.id))]

    @reading
    def revisions(self, connection: Connection) -> dict[str, int]:
        """Every run's revision, which rises whenever the run changes."""
        # Asked at every commit, of all runs: past SQLAlchemy's rows it takes a quarter of the time.
        cursor = connection.exec_driver_sql("SELECT id, revision FROM runs").cursor
        return dict(cursor.fetchall()) if cursor else {}

    @reading
    def frozen_sparkline(
        self, connection: Connection, run_ids: Iterable[str], points: int = 60
    ) -> dict[str, list[float]]:
        """At most `points` (two at least) frozen fractions of each run, evenly spaced, the newest included."""
        run_ids = list(run_ids)
        steps = max(2, points)
        step = select(literal(0).label("n")).cte("steps", recursive=True)
        step = step.union_all(select(step.c.n + 1).where(step.c.n < steps - 1))
        shown = func.least if connection.dialect.name != "sqlite" else func.min
        last = runs.c.epochs_done - 1
        wanted = case((runs.c.epochs_done <= steps, step.c.n), else_=(step.c.n * last) // (steps - 1))
        # As a subquery it is one look into the primary key for each point, whatever a planner thinks of joins.
        fraction = select(epochs.c.frozen_fraction).where(epochs.c.run_id == runs.c.id, epochs.c.epoch == wanted)
        query = (
            select(runs.c.id, fraction.scalar_subquery().label("fraction"))
            .join_from(runs, step, step.c.n < shown(runs.c.epochs_done, steps))
            .where(runs.c.id.in_(run_ids))
            .order_by(runs.c.id, step.c.n)
        )
        sparklines: dict[str, list[float]] = {run_id: [] for run_id in run_ids}
        for row in connection.execute(query):
            sparklines[row.id].append(row.fraction)
        return sparklines


def create(connection: Connection, now: Now, new: NewRun, *, run_id: str | None = None) -> Run:
    """Queues a new run under an id of its own, or the one given."""
    run_id = run_id or _new_id()
    moment = connection.execute(select(now)).scalar_one()
    values = _values(run_id, now, new, new_rank(connection, moment, new.priority))
    made = run_of(connection.execute(insert(runs).values(values).returning(*COLUMNS)).one())
    store_settings(connection, [(run_id, new.config)])
    return made


def _values(run_id: str, now: Now | datetime, new: NewRun, queue_rank: float) -> dict[str, Any]:
    """A new run's row."""
    tags = tuple(new.tags)
    return {
        "id": run_id,
        "name": new.name,
        "notes": new.notes,
        "tags": tags,
        "searchable": _searchable(run_id, new.name, new.notes, tags),
        "config": dict(new.config),
        "group": new.group,
        "source": new.source,
        "epochs_planned": new.epochs_planned,
        "state": "queued",
        "created_at": now,
        "stop_requested": False,
        "epochs_done": 0,
        "last_seq": 0,
        "revision": 1,
        "interruptions": 0,
        "warnings": tuple(new.warnings),
        "priority": new.priority,
        "held": new.held,
        "queue_rank": queue_rank,
        "archived": False,
        "cost_key": new.cost_key,
    }


def _new_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def read(connection: Connection, run_id: str, *, alone: bool = False) -> Run:
    """The run as it stands, or UnknownRun; `alone`: nobody else changes it until the transaction ends."""
    row = connection.execute(_READ_ALONE if alone else _READ, {"of": run_id}).one_or_none()
    if row is None:
        raise UnknownRun(run_id)
    return run_of(row)


# Made once: SQLAlchemy takes longer to make and to recognise such a statement than SQLite to answer it.
_READ = select(*COLUMNS).where(runs.c.id == bindparam("of"))
_READ_ALONE = _READ.with_for_update()


def owned(run_id: str, writer_id: str) -> ColumnElement[bool]:
    """The guard of everything that a run's writer writes: the run is running, and is the writer's."""
    return (runs.c.id == run_id) & (runs.c.writer_id == writer_id) & (runs.c.state == "running")


def changed(connection: Connection, run_id: str, values: dict[str, Any]) -> Run:
    """The run with these values in place of its own; it must be there."""
    query = update(runs).where(runs.c.id == run_id).values(**values, revision=runs.c.revision + 1)
    return run_of(connection.execute(query.returning(*COLUMNS)).one())


def _searchable(run_id: str, name: str, notes: str, tags: Iterable[str]) -> str:
    return "\n".join((run_id, name, " ".join(tags), notes)).casefold()


def run_of(row: Row[Any]) -> Run:
    return Run(**row._mapping)
