"""Workers: who trains, and when each was last heard."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, literal, select, update

from db.errors import UnknownWorker
from db.records import Worker
from db.schema import workers

FORGOTTEN_AFTER = timedelta(days=1)
"""A worker that died without a word is kept this long, for a person to see."""


def register(
    connection: Connection,
    now: ColumnElement[datetime],
    *,
    name: str,
    host: str,
    pid: int,
    device: str,
    slots: int,
) -> Worker:
    """Enters a worker, and clears away those that have been silent for a day."""
    moment = connection.execute(select(now)).scalar_one()
    kind = workers.c.heard_at.type
    connection.execute(delete(workers).where(workers.c.heard_at < literal(moment - FORGOTTEN_AFTER, kind)))
    values = {
        "id": secrets.token_hex(8),
        "name": name,
        "host": host,
        "pid": pid,
        "device": device,
        "slots": slots,
        "started_at": moment,
        "heard_at": moment,
    }
    connection.execute(insert(workers).values(values))
    return read_all(connection, values["id"])[0]


def alive(connection: Connection, now: ColumnElement[datetime], worker_id: str) -> None:
    """Notes that the worker was heard."""
    heard = update(workers).where(workers.c.id == worker_id).values(heard_at=now)
    if connection.execute(heard).rowcount == 0:
        raise UnknownWorker(worker_id)


def describe(connection: Connection, worker_id: str, capabilities: Mapping[str, Any]) -> None:
    """Notes what the worker has."""
    connection.execute(update(workers).where(workers.c.id == worker_id).values(capabilities=dict(capabilities)))


def forget(connection: Connection, worker_id: str) -> None:
    """Takes the worker off the list; one that is not there is no error."""
    connection.execute(delete(workers).where(workers.c.id == worker_id))


def read_all(connection: Connection, worker_id: object = None) -> list[Worker]:
    """The workers that are registered (or the one asked for), the longest at work first."""
    query = select(workers).order_by(workers.c.started_at, workers.c.id)
    if worker_id is not None:
        query = query.where(workers.c.id == worker_id)
    return [Worker(**row._mapping) for row in connection.execute(query)]
