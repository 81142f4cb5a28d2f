"""Brings a database to this program's schema, whichever process opens it first."""

import re
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, inspect, select, text

from db.address import shown
from db.database import BUSY_SECONDS, Database
from db.errors import StoreNewer
from db.remedies import refusal, unreachable
from db.suitable import refuse_unsuitable_server, refuse_unusable_file

if TYPE_CHECKING:
    from alembic.config import Config

_alembic = threading.Lock()  # it keeps its state in its module
_OURS = ("runs", "events", "snapshots", "workers")
_NAME = re.compile(r"\d{4}")
_LOCK = 0x4E4571  # any number, the same in every version of the program


def migrate(database: Database) -> None:
    """Creates or upgrades the tables; does nothing where they are current.

    Of several processes that open a new database at once, one migrates and the others wait.

    Raises:
        StoreNewer: the database was written by a newer program.
        StoreUnreachable: it does not answer, cannot be used, or holds another program's tables.
    """
    if database.is_sqlite:
        refuse_unusable_file(database)
    with database.reading() as connection:
        if not database.is_sqlite:
            refuse_unsuitable_server(connection, database)
        if _is_current(connection, database):
            return
    if database.is_sqlite:
        _switch_to_wal(database)
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if not _is_current(connection, database):
            _upgrade(connection)


def alembic_config() -> "Config":
    """Alembic's settings, without a file: `alembic.command` takes them, with a connection in `attributes`."""
    from alembic.config import Config  # 0.1 s, and only a new or an old database needs it

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return config


def _known() -> list[str]:
    """The names of the schemas that this program knows, oldest first."""
    folder = Path(__file__).with_name("migrations") / "versions"
    return sorted(path.stem.removeprefix("schema_") for path in folder.glob("schema_*.py"))


def newest_schema() -> str:
    """The name of this program's schema."""
    return _known()[-1]


def _is_current(connection: Connection, database: Database) -> bool:
    inspector = inspect(connection)
    if not inspector.has_table("alembic_version"):
        return False
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    known = _known()
    if found is None:
        return False
    if not all(map(inspector.has_table, _OURS)) or not _NAME.fullmatch(found):
        raise refusal(
            database.url,
            f"holds another program's tables (Alembic version {found})",
            "Name a database of its own, or on PostgreSQL a schema of its own with ?options=-csearch_path%3Dneq.",
        )
    if found not in known:
        raise StoreNewer(
            f"The database {shown(database.url)} was written by a newer version of this "
            f"program (its schema is {found}, the newest known here is {known[-1]}). "
            "Update the program, or name another database."
        )
    return found == known[-1]


def _upgrade(connection: Connection) -> None:
    from alembic import command

    config = alembic_config()
    config.attributes["connection"] = connection
    with _alembic:
        command.upgrade(config, "head")


def _switch_to_wal(database: Database) -> None:
    """Readers then never wait for the writer. SQLite refuses at once, whatever its timeout, while another switches."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            with closing(sqlite3.connect(database.url.database or "", timeout=BUSY_SECONDS)) as connection:
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of a new file; another keeps what it has
                connection.execute("PRAGMA journal_mode=WAL")
                return
        except sqlite3.DatabaseError as error:
            waits = error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not waits or time.monotonic() > deadline:
                raise unreachable(database.url, error) from error
            time.sleep(0.02)
