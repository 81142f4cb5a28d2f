"""Checks before launch: asked for by the web process, taken and answered by a worker. They are few and short-lived."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, literal, select, update
from sqlalchemy.engine import Row

from db.errors import UnknownCheck
from db.records import Check
from db.schema import checks

KEPT = timedelta(hours=1)
"""How long a check that nobody asks for again is kept."""
PASSED_HOLDS = timedelta(minutes=10)
FAILED_HOLDS = timedelta(seconds=20)
"""How long an answer holds: a failure is looked into anew soon, for a person may have mended what was wrong."""
GIVEN_UP_AFTER = timedelta(minutes=3)
"""A check that its worker has not answered by then is asked for anew."""
MOST_PENDING = 32
"""More are not waited for: the oldest are dropped."""

Moment = ColumnElement[datetime]


def ask(connection: Connection, now: Moment, check_id: str, config: Mapping[str, Any], workers: Iterable[str]) -> Check:
    """Enters a check, or finds the one of this id whose answer holds; old ones and the oldest of too many go."""
    moment = connection.execute(select(now)).scalar_one()
    connection.execute(delete(checks).where(checks.c.asked_at < _literal(moment - KEPT)))
    row = connection.execute(select(checks).where(checks.c.id == check_id).with_for_update()).one_or_none()
    if row is not None and _holds(_check(row), moment):
        connection.execute(update(checks).where(checks.c.id == check_id).values(asked_at=moment))
        return read(connection, check_id)
    if row is not None:
        connection.execute(delete(checks).where(checks.c.id == check_id))
    values = {"id": check_id, "config": dict(config), "workers": tuple(workers), "state": "pending", "asked_at": moment}
    connection.execute(insert(checks).values(values))
    _drop_the_oldest(connection)
    return read(connection, check_id)


def read(connection: Connection, check_id: str) -> Check:
    """The check, or UnknownCheck."""
    row = connection.execute(select(checks).where(checks.c.id == check_id)).one_or_none()
    if row is None:
        raise UnknownCheck(check_id)
    return _check(row)


def waiting(connection: Connection, worker_id: str) -> str | None:
    """The check that this worker should take: the one asked for last, since that is the one somebody looks at."""
    position = func.instr if connection.dialect.name == "sqlite" else func.strpos
    named = position(checks.c.workers.op("||")(""), f",{worker_id},") > 0
    query = select(checks.c.id).where(checks.c.state == "pending", named).order_by(checks.c.asked_at.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def take(connection: Connection, now: Moment, check_id: str, worker_id: str) -> Check | None:
    """Gives a pending check to the worker; None where another took it first."""
    taken = update(checks).where(checks.c.id == check_id, checks.c.state == "pending")
    taken = taken.values(state="running", worker_id=worker_id, begun_at=now)
    return read(connection, check_id) if connection.execute(taken).rowcount else None


def answer(
    connection: Connection, now: Moment, check_id: str, worker_id: str, state: str, said: Mapping[str, Any]
) -> None:
    """Records a worker's answer to a check that it has; one that was dropped or asked for anew is no error."""
    mine = (checks.c.id == check_id) & (checks.c.worker_id == worker_id) & (checks.c.state == "running")
    connection.execute(update(checks).where(mine).values(state=state, answer=dict(said), ended_at=now))


def _holds(check: Check, moment: datetime) -> bool:
    """Whether the check still waits, is under way, or has an answer that counts."""
    if check.state == "pending":
        return True
    if check.state == "running":
        return check.begun_at is not None and moment - check.begun_at < GIVEN_UP_AFTER
    holds = PASSED_HOLDS if check.state == "ok" else FAILED_HOLDS
    return check.ended_at is not None and moment - check.ended_at < holds


def _drop_the_oldest(connection: Connection) -> None:
    newest = select(checks.c.id).where(checks.c.state == "pending").order_by(checks.c.asked_at.desc())
    kept = newest.limit(MOST_PENDING).subquery()
    connection.execute(delete(checks).where(checks.c.state == "pending", checks.c.id.not_in(select(kept.c.id))))


def _literal(moment: datetime) -> ColumnElement[datetime]:
    return literal(moment, checks.c.asked_at.type)


def _check(row: Row[Any]) -> Check:
    return Check(**row._mapping)
