"""One database: how it is reached, how its transactions begin, and what its failures are called."""

import shutil
import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from sqlalchemy import URL, ColumnElement, Connection, create_engine, event, func, literal, select
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, IntegrityError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from db.address import parse_url
from db.columns import UtcDateTime
from db.errors import EventRefused, StoreDamaged, StoreError, StoreFull
from db.folding import translate
from db.remedies import is_state_of_database, unreachable
from db.reserve import Reserve

BUSY_SECONDS = 10.0
CHANNEL = "neq_changes"
LARGEST_IDLE_JOURNAL_BYTES = 16_000_000
"""To which SQLite's journal shrinks again once its content stands in the database."""
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
        self.reserve = Reserve(Path(self.url.database)) if self.is_sqlite and self.url.database else None
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with self.named_failures(), self.engine.begin() as connection, self._readable():
            yield connection

    @contextmanager
    def writing(self, *, tell: bool = True, durable: bool = False, urgent: bool = False) -> Iterator[Connection]:
        """A transaction that may write, and is committed at the end; on SQLite it waits for its turn before it reads.

        Args:
            tell: wake those who wait for changes. False for what no reader shows, such as a heartbeat.
            durable: what is committed outlives a power cut, and all that was committed before it too. PostgreSQL sees
                to that always; SQLite, here, only where it is asked for, since it waits for the disk.
            urgent: it may use the room that is kept for a full disk: what ends or deletes a run, and signs of life.
        Raises:
            StoreFull: the disk is full, or only that room is left.
        """
        if not urgent and self.reserve is not None and self.reserve.is_in_use:
            raise full(self.url, "what is left is kept for stopping and deleting runs", self.reserve)
        with self.named_failures(), self.engine.connect() as connection, self._synchronous(connection, durable):
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
            return literal(datetime.now(UTC), UtcDateTime)
        return func.clock_timestamp(type_=UtcDateTime)

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

    def release_reserve(self) -> bool:
        """Gives up the room that is kept for a full disk. Returns whether there was some."""
        return self.reserve is not None and self.reserve.release()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Whatever goes wrong while values are read: what stands in the file is not what was written there."""
        try:
            yield
        except (StoreError, DBAPIError, StatementError):
            raise
        except Exception as error:
            raise damaged(self.url, error) from error

    def close(self) -> None:
        """Ends all connections."""
        self.engine.dispose()

    @contextmanager
    def named_failures(self) -> Iterator[None]:
        """Says in our words what the database failed at."""
        try:
            yield
            self._answering_since = self._answering_since or time.monotonic()
        except IntegrityError as error:
            raise EventRefused(f"The store refused the event: {error.orig}") from error
        except DBAPIError as error:
            if _is_full(error.orig):
                raise full(self.url, str(error.orig).strip().partition("\n")[0], self.reserve) from error
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
        except (UnicodeDecodeError, JSONDecodeError, zlib.error) as error:  # read in a transaction that writes
            raise damaged(self.url, error) from error


def connect_args(url: URL) -> dict[str, Any]:
    """What PostgreSQL is asked for beside its address: UTF-8 whatever PGCLIENTENCODING says, and an answer in time."""
    return {"client_encoding": "utf8"} | ({} if "connect_timeout" in url.query else {"connect_timeout": 10})


def full(url: URL, reason: str, reserve: Reserve | None) -> StoreFull:
    """The disk has no room; what still works, as long as something of the reserve is left, and the remedy."""
    where = url.render_as_string(hide_password=True)
    left = reserve is not None and reserve.kept_bytes() > 0
    kept = ", or delete runs: deleting and stopping runs still works" if left else ""
    return StoreFull(f"The disk of the database {where} is full ({reason}). Free space there{kept}.")


def damaged(url: URL, error: Exception) -> StoreDamaged:
    """Something that was read is not what was written."""
    where = url.render_as_string(hide_password=True)
    cause = f"{type(error).__name__}: {error}".partition("\n")[0][:300]
    return StoreDamaged(f"The database {where} is damaged: {cause}. Restore it from a copy.")


def _is_full(cause: object) -> bool:
    """Whether this is how SQLite or PostgreSQL says that its disk is full."""
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return getattr(cause, "sqlstate", None) == "53100"


def _sqlite_engine(url: URL) -> Any:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_folder = path.is_dir()  # fails where this user may not enter the folder
    except OSError as error:
        raise unreachable(url, error) from error
    if is_folder:
        raise unreachable(url, f"{path} is a directory")
    # Transactions are begun by hand (below): the driver's own beginning would come too late to be IMMEDIATE.
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "isolation_level": None}, pool_size=16)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        for pragma in (
            "foreign_keys=ON",
            f"synchronous={_SYNCHRONOUS}",
            "cache_size=-16000",
            f"journal_size_limit={LARGEST_IDLE_JOURNAL_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("translate", 3, translate, deterministic=True)

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
