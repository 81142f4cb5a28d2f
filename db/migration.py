"""Brings a database to this program's schema, whichever process opens it first."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, inspect, select, text

from db.database import BUSY_SECONDS, Database, unreachable
from db.errors import StoreNewer

if TYPE_CHECKING:
    from alembic.config import Config

_alembic = threading.Lock()  # it keeps its state in its module
_LOCK = 0x4E4571  # any number, the same in every version of the program


def migrate(database: Database) -> None:
    """Creates or upgrades the tables; does nothing where they are current.

    Of several processes that open a new database at once, one migrates and the others wait.

    Raises:
        StoreNewer: the database was written by a newer program.
        StoreUnreachable: it does not answer.
    """
    with database.reading() as connection:
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
    if not inspect(connection).has_table("alembic_version"):
        return False
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    known = _known()
    if found is not None and found not in known:
        raise StoreNewer(
            f"The database {database.url.render_as_string(hide_password=True)} was written by a newer version of this "
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
                connection.execute("PRAGMA journal_mode=WAL")
                return
        except sqlite3.OperationalError as error:
            if time.monotonic() > deadline:
                raise unreachable(database.url, error) from error
            time.sleep(0.02)
