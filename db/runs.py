"""Runs: made, found, described, claimed, stopped, deleted. Each function works inside the caller's transaction."""

import secrets
import string
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.engine import Row

from db import checkpoints
from db.columns import Plain
from db.errors import RunActive, RunEnded, RunLost, UnknownCursor, UnknownRun
from db.records import END_STATES, Run, RunPage
from db.schema import epochs, runs

LONGEST_PAGE = 500
_ALPHABET = string.ascii_lowercase + string.digits
_COLUMNS = [column for column in runs.c if column.name != "searchable"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Moment = ColumnElement[datetime]


def create(
    connection: Connection,
    now: Moment,
    *,
    name: str,
    notes: str,
    tags: Iterable[str],
    config: Mapping[str, Any],
    epochs_planned: int,
    warnings: Iterable[dict[str, Any]] = (),
) -> Run:
    """Queues a new run under an id of its own."""
    run_id = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    words = tuple(tags)
    values = {
        "id": run_id,
        "name": name,
        "notes": notes,
        "tags": words,
        "searchable": _searchable(run_id, name, notes, words),
        "config": dict(config),
        "epochs_planned": epochs_planned,
        "state": "queued",
        "created_at": now,
        "stop_requested": False,
        "epochs_done": 0,
        "last_seq": 0,
        "revision": 1,
        "setbacks": 0,
        "warnings": tuple(warnings),
    }
    return _run(connection.execute(insert(runs).values(values).returning(*_COLUMNS)).one())


def read(connection: Connection, run_id: str, *, alone: bool = False) -> Run:
    """The run as it stands, or UnknownRun; `alone`: nobody else changes it until the transaction ends."""
    query = select(*_COLUMNS).where(runs.c.id == run_id)
    row = connection.execute(query.with_for_update() if alone else query).one_or_none()
    if row is None:
        raise UnknownRun(run_id)
    return _run(row)


def page(
    connection: Connection,
    *,
    state: str | None,
    tag: str | None,
    search: str | None,
    cursor: str | None,
    limit: int,
) -> RunPage:
    """The newest runs that fit, from the cursor on; a cursor keeps its place while runs come and go."""
    query = select(*_COLUMNS).order_by(runs.c.created_at.desc(), runs.c.id.desc())
    query = _narrowed(query, connection.dialect.name, state=state, tag=tag, search=search)
    if cursor is not None:
        at, run_id = _read_cursor(cursor)
        query = query.where(
            tuple_(runs.c.created_at, runs.c.id) < tuple_(literal(at, runs.c.created_at.type), _text(run_id))
        )
    size = max(1, min(limit, LONGEST_PAGE))
    found = [_run(row) for row in connection.execute(query.limit(size + 1))]
    items = found[:size]
    return RunPage(items, _write_cursor(items[-1]) if len(found) > size else None)


def forks(connection: Connection, run_id: str) -> list[Run]:
    """The runs that were forked from this one and are still there, oldest first."""
    query = select(*_COLUMNS).where(runs.c.parent_id == run_id)
    return [_run(row) for row in connection.execute(query.order_by(runs.c.created_at, runs.c.id))]


def describe(
    connection: Connection, run_id: str, *, name: str | None, notes: str | None, tags: Iterable[str] | None
) -> Run:
    """Changes what is not None of a run's name, notes and tags."""
    before = read(connection, run_id, alone=True)
    values: dict[str, Any] = {
        "name": before.name if name is None else name,
        "notes": before.notes if notes is None else notes,
        "tags": before.tags if tags is None else tuple(tags),
    }
    values["searchable"] = _searchable(run_id, values["name"], values["notes"], values["tags"])
    return _changed(connection, run_id, values)


def remove(connection: Connection, run_id: str) -> None:
    """Deletes a run that is not running, with all that belongs to it; its checkpoints' files are left to workers."""
    checkpoints.discard_all(connection, run_id)
    gone = delete(runs).where(runs.c.id == run_id, runs.c.state != "running")
    if connection.execute(gone).rowcount == 0:
        read(connection, run_id)
        raise RunActive(run_id)


def ask_to_stop(connection: Connection, run_id: str) -> Run:
    """Marks a running run; asking twice is asking once. A queued run is left to the caller: see `queued`."""
    asked = update(runs).where(runs.c.id == run_id, runs.c.state == "running", ~runs.c.stop_requested)
    connection.execute(asked.values(stop_requested=True, revision=runs.c.revision + 1))
    run = read(connection, run_id)
    if run.state in END_STATES:
        raise RunEnded(run_id, run.state)
    return run


def claim(connection: Connection, now: Moment, worker_id: str, shelf: str) -> Run | None:
    """Gives the oldest queued run that it can train to the worker, in one statement; None when there is none."""
    within_reach = runs.c.shelf.is_(None) | (runs.c.shelf == shelf)
    oldest = select(runs.c.id).where(runs.c.state == "queued", within_reach)
    oldest = oldest.order_by(runs.c.created_at, runs.c.id).limit(1)
    taken = (
        update(runs)
        .where(runs.c.id == oldest.with_for_update(skip_locked=True).scalar_subquery(), runs.c.state == "queued")
        .values(
            state="running",
            worker_id=worker_id,
            started_at=func.coalesce(runs.c.started_at, now),
            heartbeat_at=now,
            revision=runs.c.revision + 1,
        )
        .returning(*_COLUMNS)
    )
    row = connection.execute(taken).one_or_none()
    return None if row is None else _run(row)


def take_up(connection: Connection, now: Moment, run_id: str, worker_id: str, shelf: str) -> Run:
    """Gives a run that this very transaction made to its worker, before anybody else can see it queued."""
    values = {"state": "running", "worker_id": worker_id, "started_at": now, "heartbeat_at": now, "shelf": shelf}
    taken = update(runs).where(runs.c.id == run_id).values(**values)
    return _run(connection.execute(taken.returning(*_COLUMNS)).one())


def touch(connection: Connection, now: Moment, run_id: str, worker_id: str) -> bool:
    """Notes that the worker still has the run. Returns whether a stop is asked for."""
    touched = update(runs).where(owned(run_id, worker_id)).values(heartbeat_at=now)
    row = connection.execute(touched.returning(runs.c.stop_requested)).one_or_none()
    if row is None:
        raise RunLost(run_id, worker_id)
    return bool(row.stop_requested)


def silent(connection: Connection, now: Moment, limit_seconds: float) -> list[Run]:
    """The running runs whose worker was last heard longer ago than that."""
    cutoff = connection.execute(select(now)).scalar_one() - timedelta(seconds=limit_seconds)
    late = runs.c.heartbeat_at < literal(cutoff, runs.c.heartbeat_at.type)
    return [_run(row) for row in connection.execute(select(*_COLUMNS).where(runs.c.state == "running", late))]


def revisions(connection: Connection) -> dict[str, int]:
    """Every run's revision."""
    # Asked at every commit, of all runs: past SQLAlchemy's rows it takes a quarter of the time.
    cursor = connection.exec_driver_sql("SELECT id, revision FROM runs").cursor
    return dict(cursor.fetchall()) if cursor else {}


def frozen_trail(connection: Connection, run_ids: list[str], points: int) -> dict[str, list[float]]:
    """Frozen shares at up to `points` evenly spaced epochs of each run, the first and the last included.

    The epochs are named by the query itself, so that a run of 10,000 costs no more than one of 100.
    """
    steps = max(2, points)
    step = select(literal(0).label("n")).cte("steps", recursive=True)
    step = step.union_all(select(step.c.n + 1).where(step.c.n < steps - 1))
    shown = func.least if connection.dialect.name != "sqlite" else func.min
    last = runs.c.epochs_done - 1
    wanted = case((runs.c.epochs_done <= steps, step.c.n), else_=(step.c.n * last) // (steps - 1))
    # As a subquery it is one look into the primary key for each point, whatever a planner thinks of joins.
    share = select(epochs.c.frozen_share).where(epochs.c.run_id == runs.c.id, epochs.c.epoch == wanted)
    query = (
        select(runs.c.id, share.scalar_subquery().label("share"))
        .join_from(runs, step, step.c.n < shown(runs.c.epochs_done, steps))
        .where(runs.c.id.in_(run_ids))
        .order_by(runs.c.id, step.c.n)
    )
    trails: dict[str, list[float]] = {run_id: [] for run_id in run_ids}
    for row in connection.execute(query):
        trails[row.id].append(row.share)
    return trails


def owned(run_id: str, worker_id: str) -> ColumnElement[bool]:
    """The guard of everything that a worker writes: the run is running, and is the worker's."""
    return (runs.c.id == run_id) & (runs.c.worker_id == worker_id) & (runs.c.state == "running")


def _changed(connection: Connection, run_id: str, values: dict[str, Any]) -> Run:
    changed = update(runs).where(runs.c.id == run_id).values(**values, revision=runs.c.revision + 1)
    return _run(connection.execute(changed.returning(*_COLUMNS)).one())


def _narrowed(
    query: Select[Any], dialect: str, *, state: str | None, tag: str | None, search: str | None
) -> Select[Any]:
    position = func.instr if dialect == "sqlite" else func.strpos
    if state is not None:
        query = query.where(runs.c.state == state)
    if tag is not None:
        query = query.where(position(runs.c.tags.op("||")(""), _text(f",{tag},")) > 0)
    if search is not None:
        query = query.where(position(runs.c.searchable, _text(search.strip().casefold())) > 0)
    return query


def _text(value: str) -> ColumnElement[str]:
    return literal(value, Plain())


def _searchable(run_id: str, name: str, notes: str, tags: Iterable[str]) -> str:
    return "\n".join((run_id, name, " ".join(tags), notes)).casefold()


def _write_cursor(run: Run) -> str:
    return f"{(run.created_at - _EPOCH) // timedelta(microseconds=1)}-{run.id}"


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    micros, _, run_id = cursor.partition("-")
    try:
        return _EPOCH + timedelta(microseconds=int(micros)), run_id
    except (ValueError, OverflowError) as error:
        raise UnknownCursor(cursor) from error


def _run(row: Row[Any]) -> Run:
    return Run(**row._mapping)
