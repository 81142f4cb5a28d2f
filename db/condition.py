"""Whether a database can be read and written now: tried on a connection of its own, within seconds."""

import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from db.database import Database, connect_args
from db.migration import newest_schema
from db.remedies import unreachable

LEAST_FREE_BYTES = 1_000_000
"""With less than an epoch of a small network takes, nothing more can be recorded."""
_SCHEMA = "SELECT version_num FROM alembic_version"


@dataclass(frozen=True, slots=True)
class Condition:
    """What is wrong with a store; None: nothing.

    Attributes:
        store: it cannot be read or written; why, and the remedy.
        schema: its tables are not those of this program.
        disk: there is no room on its disk, or none but what is kept for stopping and deleting runs. None too where that
            cannot be known, as of another machine's.
    """

    store: str | None = None
    schema: str | None = None
    disk: str | None = None

    @property
    def problems(self) -> tuple[str, ...]:
        """All that is wrong."""
        return tuple(each for each in (self.store, self.schema, self.disk) if each is not None)


def examine(database: Database, seconds: float) -> Condition:
    """Reads the schema's number in a transaction that may write, and takes it back.

    Args:
        database: which.
        seconds: how long to wait for a lock or for an answer.
    """
    disk = _disk(database)
    try:
        found = _sqlite_schema(database, seconds) if database.is_sqlite else _postgres_schema(database, seconds)
    except Exception as error:  # whatever it is, the store cannot be used
        return Condition(store=str(unreachable(database.url, getattr(error, "orig", None) or error)), disk=disk)
    newest = newest_schema()
    if found == newest:
        return Condition(disk=disk)
    return Condition(schema=f"Its schema is {found}, and this program's is {newest}: restart the server.", disk=disk)


def _disk(database: Database) -> str | None:
    free = database.free_bytes()
    if free is None:
        return None
    kept = database.reserve is not None and database.reserve.is_in_use
    if free >= LEAST_FREE_BYTES and not kept:
        return None
    purpose = ", and kept for stopping and deleting runs" if kept else ""
    return f"The store's disk is full: {free / 1e6:.1f} MB are left{purpose}. Free space there."


def _sqlite_schema(database: Database, seconds: float) -> str:
    # mode=rw: a file that is not there must not be made by looking for it.
    address = f"{Path(database.url.database or '').absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=seconds, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        found = connection.execute(_SCHEMA).fetchone()
        connection.execute("SELECT id, revision FROM runs LIMIT 1").fetchone()
        connection.execute("ROLLBACK")
    return str(found[0])


def _postgres_schema(database: Database, seconds: float) -> str:
    milliseconds = math.ceil(1000 * seconds)
    own = database.url.query.get("options", "")  # which may name the schema that our tables are in
    options = f"{own} -c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
    arguments = connect_args(database.url) | {"connect_timeout": max(2, math.ceil(seconds)), "options": options}
    engine = create_engine(database.url, poolclass=NullPool, connect_args=arguments)
    with engine.connect() as connection:
        # A row is locked, which a database that only reads refuses; nothing is written.
        found = connection.execute(text(f"{_SCHEMA} FOR UPDATE")).scalar_one()
        connection.execute(text("SELECT id, revision FROM runs LIMIT 1"))
        connection.rollback()
    return str(found)
