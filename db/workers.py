"""Workers: who trains, and when each was last heard."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, literal, select, update

from db.errors import UnknownWorker
from db.records import Worker
from db.schema import workers
from db.transactions import Transactions, reading, urgent, writing

FORGOTTEN_AFTER = timedelta(days=1)
"""A worker that died without a word is kept this long, for a person to see."""


class WorkerQueries(Transactions):
    """Workers: who trains, and when each was last heard."""

    @writing()
    def register_worker(
        self, connection: Connection, *, name: str, host: str, pid: int, device: str, slots: int
    ) -> Worker:
        """Enters a worker under an id of its own."""
        moment = connection.execute(select(self._now())).scalar_one()
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
        return Worker(**connection.execute(select(workers).where(workers.c.id == values["id"])).one()._mapping)

    @urgent(tell=False)
    def worker_alive(self, connection: Connection, worker_id: str) -> None:
        """Notes that a worker was heard; UnknownWorker when it was forgotten meanwhile."""
        heard = update(workers).where(workers.c.id == worker_id).values(heard_at=self._now())
        if connection.execute(heard).rowcount == 0:
            raise UnknownWorker(worker_id)

    @writing(tell=False)
    def describe_worker(self, connection: Connection, worker_id: str, capabilities: Mapping[str, Any]) -> None:
        """Notes what a worker has: data sets, weights, devices, memory; one that was forgotten is no error."""
        connection.execute(update(workers).where(workers.c.id == worker_id).values(capabilities=dict(capabilities)))

    @writing()
    def forget_worker(self, connection: Connection, worker_id: str) -> None:
        """Takes a worker off the list."""
        connection.execute(delete(workers).where(workers.c.id == worker_id))

    @reading
    def workers(self, connection: Connection) -> list[Worker]:
        """The workers on the list, the longest at work first; `heard_at` tells which still live."""
        query = select(workers).order_by(workers.c.started_at, workers.c.id)
        return [Worker(**row._mapping) for row in connection.execute(query)]
