"""One database: how it is reached, how its transactions begin, and what its failures are called."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, ColumnElement, Connection, create_engine, event, func, literal, select
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, IntegrityError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from db.address import parse_url
from db.columns import Moment
from db.errors import EntryRefused
from db.remedies import is_state_of_database, unreachable

BUSY_SECONDS = 10.0
CHANNEL = "neq_changes"
_SYNCHRONOUS = "NORMAL"


class Database:
    """Connections to one database, handed out as transactions."""

    def __init__(self, url: str) -> None:
        """Says where the database is; nothing is connected yet.

        Raises:
            StoreUnreachable: the address is none that the store understands.
        """
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._answering_since: float | None = None
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with self._named_failures(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self, *, tell: bool = True, durable: bool = False) -> Iterator[Connection]:
        """A transaction that may write, and is committed at the end; on SQLite it waits for its turn before it reads.

        Args:
            tell: wake those who wait for changes. False for what no reader shows, such as a heartbeat.
            durable: what is committed outlives a power cut, and all that was committed before it too. PostgreSQL sees
                to that always; SQLite, here, only where it is asked for, since it waits for the disk.
        """
        with self._named_failures(), self.engine.connect() as connection, self._synchronous(connection, durable):
            connection = connection.execution_options(neq_writes=True)
            with connection.begin():
                yield connection
                if tell:
                    self.announce(connection)

    @contextmanager
    def _synchronous(self, connection: Connection, durable: bool) -> Iterator[None]:
        if not (durable and self.is_sqlite):
            yield
            return
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA synchronous=FULL")  # takes effect outside of transactions only, and this one has not begun
        try:
            yield
        finally:
            raw.execute(f"PRAGMA synchronous={_SYNCHRONOUS}")

    def announce(self, connection: Connection) -> None:
        """Wakes those who wait for changes, once the transaction is committed. SQLite tells them by itself."""
        if not self.is_sqlite:
            connection.execute(select(func.pg_notify(CHANNEL, "")))

    def clock(self) -> ColumnElement[datetime]:
        """The time now, by the one clock that all who share this database share."""
        if self.is_sqlite:  # one machine, so its own clock, which counts finer than SQLite's
            return literal(datetime.now(UTC), Moment)
        return func.clock_timestamp(type_=Moment)

    def answering_seconds(self) -> float:
        """For how long this process has found the database answering, without a failure in between."""
        return 0.0 if self._answering_since is None else time.monotonic() - self._answering_since

    def free_bytes(self) -> int | None:
        """What is left on the disk of an SQLite file; None where that cannot be known, as of another machine's."""
        if not self.is_sqlite:
            return None
        try:
            return shutil.disk_usage(Path(self.url.database or "").parent).free
        except OSError:
            return None

    def close(self) -> None:
        """Ends all connections."""
        self.engine.dispose()

    @contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
            self._answering_since = self._answering_since or time.monotonic()
        except IntegrityError as error:
            raise EntryRefused(f"The store refused the entry: {error.orig}") from error
        except DBAPIError as error:
            broken_file = type(error) is DatabaseError  # what SQLite calls a file that it cannot read
            broken = isinstance(error, OperationalError) or broken_file or error.connection_invalidated
            if broken or is_state_of_database(error.orig):
                self._answering_since = None
                raise unreachable(self.url, error.orig) from error
            raise
        except PoolTimeout as error:
            raise unreachable(self.url, "all connections of this process are busy") from error
        except StatementError as error:  # a value that no column can hold
            raise error.orig or error from None


def connect_args(url: URL) -> dict[str, Any]:
    """What PostgreSQL is asked for beside its address: UTF-8 whatever PGCLIENTENCODING says, and an answer in time."""
    return {"client_encoding": "utf8"} | ({} if "connect_timeout" in url.query else {"connect_timeout": 10})


def _sqlite_engine(url: URL) -> Any:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unreachable(url, error) from error
    if path.is_dir():
        raise unreachable(url, f"{path} is a directory")
    # Transactions are begun by hand (below): the driver's own beginning would come too late to be IMMEDIATE.
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None}, pool_size=16)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        for pragma in ("foreign_keys=ON", f"synchronous={_SYNCHRONOUS}", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("neq_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres_engine(url: URL) -> Any:
    try:
        return create_engine(url, pool_pre_ping=True, connect_args=connect_args(url))
    except ArgumentError as error:
        raise unreachable(url, error) from error
