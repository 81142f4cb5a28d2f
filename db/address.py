"""A database's address: taken apart, never glued, and shown without its secrets.

SQLAlchemy reads an address that was typed with an `@` in its password as one with another host, half of the password
in it; such addresses are refused here, and nothing of them is repeated.
"""

import os
import re
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from db.errors import StoreUnreachable

_EXAMPLES = "Name the database as sqlite:///folder/neq.db or postgresql://user:password@host/database."
_ENCODE = (
    "Write special characters in user and password percent-encoded: @ as %40, : as %3A, / as %2F, # as %23, "
    "? as %3F, % as %25."
)
_HIDDEN = "***"
_ADDRESS = re.compile(r"file:|[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_OF_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")


def sqlite_url(file: Path) -> str:
    """The address of an SQLite file, whatever characters its path has."""
    return URL.create("sqlite", database=str(file)).render_as_string(hide_password=False)


def parse_url(text: str) -> URL:
    """The address of a database; psycopg is chosen for PostgreSQL, and `~` is this user's home.

    Raises:
        StoreUnreachable: it cannot be read, or names a kind of database that is not supported.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):  # of a port, say, that is a piece of a password: so nothing is repeated
        raise StoreUnreachable(f"The database address given cannot be read. {_EXAMPLES} {_ENCODE}") from None
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        if text.count("@") > 1:
            raise StoreUnreachable(f"The database address given has more than one @. {_ENCODE}")
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return _sqlite(url)
    raise StoreUnreachable(f"{_EXAMPLES} {url.drivername!r} is not supported.")


def shown(url: URL) -> str:
    """The address for a person: without its password, wherever in it that stands."""
    return url.set(query=_shown_options(url)).render_as_string(hide_password=True)


def _shown_options(url: URL) -> dict[str, Any]:
    return {name: _HIDDEN if "pass" in name.lower() else value for name, value in url.query.items()}


def without_secrets(text: str, url: URL) -> str:
    """What a driver says, without the password that it may repeat."""
    named = [value for name, value in url.query.items() if "pass" in name.lower() and isinstance(value, str)]
    for secret in filter(None, (url.password, *named)):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(str(secret))}(?![A-Za-z0-9])", _HIDDEN, text)
    return text


def foreign_path(path: str) -> str | None:
    """Why this is no path of this system, with the remedy; None where it may be one.

    Nobody means a folder `file:`, `s3:` or `C:\\data` in the working folder, which is what would be made of these.
    `./` before such a name says that it is meant.
    """
    if _ADDRESS.match(path):
        return f"{path} is an address: write the path alone, such as /srv/neq"
    if _OF_WINDOWS.match(path) and os.name != "nt":
        return f"{path} is a path of Windows: write it as this system has it, such as /mnt/c/… for C: in WSL"
    return "a path cannot hold the character NUL" if "\0" in path else None


def _sqlite(url: URL) -> URL:
    """The address of a plain and whole path, which means the same to SQLite, to Python and in every folder.

    SQLite's own addresses (`file:neq.db?mode=ro`) and options are not taken: the code that manages the file beside
    SQLite reads a path, and would look elsewhere.
    """
    in_memory = url.database in (None, "", ":memory:", "file::memory:") or url.query.get("mode") == "memory"
    if url.host or url.username or in_memory:
        wrong = "SQLite's address has three slashes" if url.host or url.username else "SQLite needs a file"
        raise StoreUnreachable(f"{_EXAMPLES} {wrong}: a store in memory would be lost and not shared.")
    path, told = url.database or "", f"The database {shown(url)}"
    if url.query.get("mode") == "ro" or "immutable" in url.query:
        raise StoreUnreachable(f"{told} is opened for reading only. Take {_named(url)} out of its address.")
    if problem := foreign_path(path):
        raise StoreUnreachable(f"{told} cannot be opened: {problem}.")
    if url.query:
        raise StoreUnreachable(f"{told} takes no options: take {_named(url)} out of its address.")
    if path.endswith("/"):
        raise StoreUnreachable(f"{told} is a folder. Name a file in that folder, such as neq.db.")
    return url.set(database=str(_at_home(url, path).absolute()))


def _named(url: URL) -> str:
    return "&".join(f"{name}={value}" for name, value in _shown_options(url).items())


def _at_home(url: URL, path: str) -> Path:
    try:
        return Path(path).expanduser() if path.startswith("~") else Path(path)
    except RuntimeError:
        raise StoreUnreachable(f"{shown(url)}: there is no such user's home; write the folder out.") from None
