"""A database's address: taken apart, never glued, and shown without its secrets.

SQLAlchemy reads an address that was typed with an `@` in its password as one with another host, half of the password
in it; such addresses are refused here, and nothing of them is repeated.
"""

import re
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from db.errors import StoreUnreachable

_EXAMPLES = "Name the database as sqlite:///folder/neq.db or postgresql://user:password@host/database."
_ENCODE = (
    "Write special characters in user and password percent-encoded: @ as %40, : as %3A, / as %2F, # as %23, "
    "? as %3F, % as %25."
)
_HIDDEN = "***"


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
        return _sqlite(url, text)
    raise StoreUnreachable(f"{_EXAMPLES} {url.drivername!r} is not supported.")


def shown(url: URL) -> str:
    """The address for a person: without its password, wherever in it that stands."""
    query = {name: _HIDDEN if "pass" in name.lower() else value for name, value in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=True)


def without_secrets(text: str, url: URL) -> str:
    """What a driver says, without the password that it may repeat."""
    named = [value for name, value in url.query.items() if "pass" in name.lower() and isinstance(value, str)]
    for secret in filter(None, (url.password, *named)):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(str(secret))}(?![A-Za-z0-9])", _HIDDEN, text)
    return text


def _sqlite(url: URL, text: str) -> URL:
    if url.host or url.username or not url.database or url.database == ":memory:" or "mode=memory" in text:
        wrong = "SQLite's address has three slashes" if url.host or url.username else "SQLite needs a file"
        raise StoreUnreachable(f"{_EXAMPLES} {wrong}: a store in memory would be lost and not shared.")
    if not url.database.startswith("~"):
        return url
    try:
        return url.set(database=str(Path(url.database).expanduser()))
    except RuntimeError:
        raise StoreUnreachable(f"{shown(url)}: there is no such user's home; write the folder out.") from None
