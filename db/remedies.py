"""What a database says when it fails, and what to do about it: one sentence each.

PostgreSQL names its errors by codes (SQLSTATE), whatever language it speaks; while a connection is made the client
library has words alone.
"""

from typing import Any

from sqlalchemy import URL

from db.address import shown, without_secrets
from db.errors import StoreUnreachable

WRITABLE = "Name the primary server, or allow writing: ALTER DATABASE … SET default_transaction_read_only = off;"
_BY_CODE = {
    "28P01": "Check the user and the password in its address.",
    "28000": "Check the user in its address, and that pg_hba.conf lets it in.",
    "3D000": "Create it with CREATE DATABASE, or correct its address.",
    "3F000": "Create the schema that search_path names: CREATE SCHEMA … AUTHORIZATION …;",
    "42501": "Let its user create tables: GRANT CREATE, USAGE ON SCHEMA public TO …; or give it a schema of its own: "
    "CREATE SCHEMA neq AUTHORIZATION …; and ?options=-csearch_path%3Dneq at the end of the address.",
    "25006": WRITABLE,
    "22P05": "It cannot hold every character: name a database with ENCODING 'UTF8'.",
    "53100": "Free space on its disk.",
    "53300": "Close other connections to it, or raise max_connections in postgresql.conf.",
    "55P03": "Another program holds it; close that program or try again.",
    "26000": "A pooler stands between that gives each transaction another connection: let it pool sessions instead "
    "(PgBouncer: pool_mode = session), or name the server itself.",
    "42P07": "Another program's tables are in it: name a database of its own, or a schema of its own with "
    "?options=-csearch_path%3Dneq.",
}
_BY_CODE["42P05"] = _BY_CODE["26000"]
_BY_CODE["42703"] = _BY_CODE["42P01"] = (
    "Its tables are not as this program made them: name another database, or restore this one from a copy."
)
_BY_WORDS = (
    ("password", "Check the user and the password in its address."),
    ("resolve host", "There is no such host, or no network: correct the host in its address."),
    ("idna", "There is no such host: correct the host in its address."),
    ("non-integer port", "Correct the port in its address."),
    ("could not translate host", "There is no such host, or no network: correct the host in its address."),
    ("too many", _BY_CODE["53300"]),
    ("connection slots", _BY_CODE["53300"]),
    ("SSL", "Set sslmode in its address as the server wants it, such as ?sslmode=disable or ?sslmode=require."),
    ("pg_hba", _BY_CODE["28000"]),
    ('role "', "Create the user with CREATE ROLE … LOGIN, or correct its address."),
    ("invalid connection option", "Take that option out of its address."),
    ("already exists", _BY_CODE["42P07"]),
    ("is a directory", "Name a file in that folder, such as neq.db."),
    ("Permission denied", "Let this user enter and write to its folder, or name a file elsewhere."),
    ("Errno", "Check that its folder can be made and written to."),
    (
        "unable to open",
        "Check that its folder exists, and that this user may read and write the file and its folder.",
    ),
    ("readonly", "Check that the file and its folder can be written to."),
    ("disk I/O error", "Check the disk; a folder on a network drive may not be able to hold an SQLite file."),
    ("locking protocol", "Put the file on a disk of this machine: a network drive cannot lock it."),
    ("locked", "Another program holds it; close that program or try again."),
    ("full", "Free space on its disk."),
    ("not a database", "Name another file, or restore this one from a copy."),
    ("malformed", "Restore the file from a copy."),
    ("does not exist", _BY_CODE["3D000"]),
)
_FALLBACK = "Check that it is running and that its address is right."


def unreachable(url: URL, cause: Any) -> StoreUnreachable:
    """What failed and what to do about it, without the password."""
    reason = without_secrets(str(cause).strip().partition("\n")[0], url)
    code = _code(cause)
    verb = "refuses" if code in _BY_CODE else "does not respond"
    return refusal(url, f"{verb}: {reason.rstrip('.')}", _remedy(code, reason))


def refusal(url: URL, problem: str, remedy: str) -> StoreUnreachable:
    """A database that answers, and will not do."""
    return StoreUnreachable(f"The database {shown(url)} {problem}. {remedy}")


def is_state_of_database(cause: Any) -> bool:
    """Whether an error tells of the database as a whole, its rights or its settings, and not of one statement."""
    code = _code(cause)
    return code in _BY_CODE or code[:2] in ("08", "28", "3D", "53", "57", "58")


def _code(cause: Any) -> str:
    return str(getattr(cause, "sqlstate", None) or "")


def _remedy(code: str, reason: str) -> str:
    if code in _BY_CODE:
        return _BY_CODE[code]
    return next((remedy for part, remedy in _BY_WORDS if part in reason), _FALLBACK)
