"""Checks before launch: asked for by the web process, taken and answered by a worker. They are few and short-lived."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, literal, select, update
from sqlalchemy.engine import Row

from db.errors import EventRefused, UnknownCheck
from db.records import Check, CheckState
from db.schema import checks
from db.transactions import Transactions, reading, writing

KEPT = timedelta(hours=1)
"""How long a check that nobody asks for again is kept."""
PASSED_HOLDS = timedelta(minutes=10)
FAILED_HOLDS = timedelta(seconds=20)
"""How long an answer holds: a failure is looked into anew soon, for a person may have mended what was wrong."""
GIVEN_UP_AFTER = timedelta(minutes=3)
"""A check that its worker has not answered by then is asked for anew."""
MOST_PENDING = 32
"""More are not waited for: the oldest are dropped."""

Now = ColumnElement[datetime]


class CheckQueries(Transactions):
    """Checks before launch."""

    def ask_check(self, check_id: str, *, config: Mapping[str, Any], workers: Iterable[str]) -> Check:
        """Asks one of these workers to try a description, or finds the answer where it was asked before and holds.

        Args:
            check_id: the digest of all that the answer depends on.
        """
        try:
            return self._ask(check_id, config, workers)
        except EventRefused:  # somebody else asked the same in this very moment
            return self.check(check_id)

    @writing(tell=False)
    def _ask(self, connection: Connection, check_id: str, config: Mapping[str, Any], workers: Iterable[str]) -> Check:
        """Old ones, and the oldest of too many, go."""
        moment = connection.execute(select(self._now())).scalar_one()
        connection.execute(delete(checks).where(checks.c.asked_at < _literal(moment - KEPT)))
        row = connection.execute(select(checks).where(checks.c.id == check_id).with_for_update()).one_or_none()
        if row is not None and _holds(_check(row), moment):
            connection.execute(update(checks).where(checks.c.id == check_id).values(asked_at=moment))
            return read(connection, check_id)
        if row is not None:
            connection.execute(delete(checks).where(checks.c.id == check_id))
        values = {
            "id": check_id,
            "config": dict(config),
            "workers": tuple(workers),
            "state": "pending",
            "asked_at": moment,
        }
        connection.execute(insert(checks).values(values))
        _drop_the_oldest(connection)
        return read(connection, check_id)

    @reading
    def check(self, connection: Connection, check_id: str) -> Check:
        """A check as it stands, or UnknownCheck."""
        return read(connection, check_id)

    def claim_check(self, worker_id: str) -> Check | None:
        """Gives the check that was asked for last, of those that this worker may take; None when there is none."""
        check_id = self._waiting(worker_id)
        return None if check_id is None else self._take(check_id, worker_id)

    @reading
    def _waiting(self, connection: Connection, worker_id: str) -> str | None:
        """The one asked for last, since that is the one somebody looks at."""
        position = func.instr if connection.dialect.name == "sqlite" else func.strpos
        named = position(checks.c.workers.op("||")(""), f",{worker_id},") > 0
        query = (
            select(checks.c.id).where(checks.c.state == "pending", named).order_by(checks.c.asked_at.desc()).limit(1)
        )
        return connection.execute(query).scalar_one_or_none()

    @writing(tell=False)
    def _take(self, connection: Connection, check_id: str, worker_id: str) -> Check | None:
        """None where another took it first."""
        taken = update(checks).where(checks.c.id == check_id, checks.c.state == "pending")
        taken = taken.values(state="running", worker_id=worker_id, begun_at=self._now())
        return read(connection, check_id) if connection.execute(taken).rowcount else None

    @writing(tell=False)
    def answer_check(
        self, connection: Connection, check_id: str, worker_id: str, state: CheckState, answer: Mapping[str, Any]
    ) -> None:
        """Records what came of a check that this worker took."""
        mine = (checks.c.id == check_id) & (checks.c.worker_id == worker_id) & (checks.c.state == "running")
        connection.execute(update(checks).where(mine).values(state=state, answer=dict(answer), ended_at=self._now()))


def read(connection: Connection, check_id: str) -> Check:
    """The check, or UnknownCheck."""
    row = connection.execute(select(checks).where(checks.c.id == check_id)).one_or_none()
    if row is None:
        raise UnknownCheck(check_id)
    return _check(row)


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
