"""Whether a database can be our store at all, asked once when it is opened, before anything is written."""

import os
from pathlib import Path

from sqlalchemy import Connection, func, select

from db.database import Database
from db.remedies import WRITABLE, refusal

OLDEST_POSTGRESQL = 13
"""PostgreSQL's own oldest version that is still looked after was this one when it was last raised."""
_UTF8 = "Create one that holds every character: CREATE DATABASE neq ENCODING 'UTF8' TEMPLATE template0;"


def refuse_unusable_file(database: Database) -> None:
    """Refuse an SQLite file that this user may not read and write, before SQLite says so in words of its own.

    Raises:
        StoreUnreachable: with the file or folder that it is about.
    """
    file = Path(database.url.database or "")
    if not os.access(file.parent, os.W_OK | os.X_OK):  # SQLite's journal is made there
        raise refusal(database.url, "is read-only", f"Let this user write to {file.parent}, or name a file elsewhere.")
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        problem = "is read-only" if os.access(file, os.R_OK) else "cannot be read"
        raise refusal(database.url, problem, f"Let this user read and write {file}, or name a file elsewhere.")


def refuse_unsuitable_server(connection: Connection, database: Database) -> None:
    """Refuse what would fail later, at the first write or at a name in another script.

    Raises:
        StoreUnreachable: it is read-only, too old, or in an encoding that does not hold every character.
    """
    settings = (
        func.current_setting(name) for name in ("server_version_num", "server_encoding", "transaction_read_only")
    )
    number, encoding, read_only = connection.execute(select(*settings)).one()
    version = int(number)
    if version < OLDEST_POSTGRESQL * 10_000:
        problem = f"is PostgreSQL {version // 10_000}, and {OLDEST_POSTGRESQL} is the oldest that will do"
        raise refusal(database.url, problem, "Update the server, or name another.")
    if encoding != "UTF8":
        raise refusal(database.url, f"is in the encoding {encoding}", _UTF8)
    if read_only == "on":
        raise refusal(database.url, "is read-only", WRITABLE)
