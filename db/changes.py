"""Waiting until somebody, in whichever process, has written to the database."""

import sqlite3
import threading
import time
from abc import ABC, abstractmethod

import psycopg

from db.database import CHANNEL, Database, connect_args
from db.remedies import unreachable

POLL_SECONDS = 0.02
SLICE_SECONDS = 0.25
RETRY_SECONDS = 1.0


class Changes(ABC):
    """Tells that something was committed since the last call, or since this was made. For one waiting thread."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._waiting = threading.Lock()

    def wait(self, timeout_seconds: float) -> bool:
        """Sleeps until there is a change or the time is over. True may also be a false alarm, False never is.

        Raises:
            StoreUnreachable: the database does not answer; wait again to try again.
        """
        with self._waiting:
            deadline = time.monotonic() + timeout_seconds
            while not self._closed.is_set():
                if self._changed(max(0.0, deadline - time.monotonic())):
                    return True
                if time.monotonic() >= deadline:
                    break
        return False

    def close(self) -> None:
        """Ends a wait that is under way, within a quarter of a second, and the connection."""
        self._closed.set()
        with self._waiting:
            self._disconnect()

    @abstractmethod
    def _changed(self, seconds: float) -> bool:
        """Looks once, for at most a quarter of a second and not much longer than the seconds given."""

    @abstractmethod
    def _disconnect(self) -> None: ...


class SqliteChanges(Changes):
    """Asks SQLite 50 times a second for the number that rises with every commit of another connection."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._connection = sqlite3.connect(
            database.url.database or "", isolation_level=None, check_same_thread=False, timeout=1.0
        )
        self._seen = self._version()

    def _changed(self, seconds: float) -> bool:
        if self._version() == self._seen:
            self._closed.wait(min(POLL_SECONDS, seconds))
        before, self._seen = self._seen, self._version()
        return before != self._seen

    def _version(self) -> int:
        try:
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise unreachable(self._database.url, error) from error

    def _disconnect(self) -> None:
        self._connection.close()


class PostgresChanges(Changes):
    """Listens to PostgreSQL's notifications on a connection of its own, which it renews when it is lost."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._connection: psycopg.Connection | None = self._connect()

    def _changed(self, seconds: float) -> bool:
        try:
            if self._connection is None:
                self._connection = self._connect()
                return True  # who knows what was missed
            arrived = self._connection.notifies(timeout=min(SLICE_SECONDS, seconds), stop_after=1)
            return bool(list(arrived)) and bool([True, *self._connection.notifies(timeout=0)])
        except psycopg.Error as error:
            self._disconnect()
            self._closed.wait(min(RETRY_SECONDS, seconds))
            raise unreachable(self._database.url, error) from error

    def _connect(self) -> psycopg.Connection:
        # As the engine connects: a rendered address would write spaces as libpq does not read them.
        _, named = self._database.engine.dialect.create_connect_args(self._database.url)
        try:
            connection = psycopg.connect(**{**named, **connect_args(self._database.url)}, autocommit=True)
            connection.execute(f"LISTEN {CHANNEL}")
        except psycopg.Error as error:
            raise unreachable(self._database.url, error) from error
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
