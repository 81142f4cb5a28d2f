"""Giving the room of deleted runs back to the disk of an SQLite file. PostgreSQL does that by itself.

A new file is made so that its free pages can be given back in portions (`auto_vacuum=INCREMENTAL`), each a transaction
of some milliseconds that readers do not notice. A file of an older version is written anew once, when a tenth of it is
free: readers read on, and writers wait for as long as that takes.
"""

import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

from db.database import Database
from db.remedies import unreachable

PORTION_PAGES = 1_000
PAUSE_SECONDS = 0.02
"""Between two portions, so that writers come in between."""
LEAST_PAGES = 250
"""Fewer free pages are soon used again."""
_INCREMENTAL = 2


def give_space_back(database: Database) -> int:
    """Returns how many bytes the file has shrunk by; 0 where there is nothing to give back."""
    if not database.is_sqlite or _number(database, "freelist_count") < LEAST_PAGES:
        return 0
    before = _number(database, "page_count")
    if _number(database, "auto_vacuum") == _INCREMENTAL:
        _in_portions(database)
    elif _is_worth_it(database):
        _run(database, f"PRAGMA auto_vacuum={_INCREMENTAL}; VACUUM")  # the first takes effect with the second
    _run(database, "PRAGMA wal_checkpoint(PASSIVE)")  # what readers do not hold back leaves the journal for the file
    return (before - _number(database, "page_count")) * _number(database, "page_size")


def _in_portions(database: Database) -> None:
    left = _number(database, "freelist_count")
    while left >= LEAST_PAGES:
        # A script, since the driver steps a single pragma once, and gives one page back.
        _run(database, f"BEGIN IMMEDIATE; PRAGMA incremental_vacuum({PORTION_PAGES}); COMMIT")
        before, left = left, _number(database, "freelist_count")
        if left >= before:
            return
        time.sleep(PAUSE_SECONDS)


def _is_worth_it(database: Database) -> bool:
    """Whether a tenth of the file is free, and its disk has room for the rest of it twice more."""
    pages, free, size = (_number(database, name) for name in ("page_count", "freelist_count", "page_size"))
    room = shutil.disk_usage(Path(database.url.database or "").parent).free
    return 10 * free >= pages and room > 2 * (pages - free) * size


def _run(database: Database, script: str) -> None:
    with database.named_failures(), database.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        try:
            raw.executescript(script)
        except sqlite3.Error as error:
            raw.rollback()
            raise unreachable(database.url, error) from error


def _number(database: Database, pragma: str) -> int:
    with database.reading() as connection:
        return int(connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one())
