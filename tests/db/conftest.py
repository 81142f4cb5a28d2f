"""Every behaviour of the store is shown on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db import Run, Store
from tests.db.making import WORKER
from tests.postgres import postgres_server_url, postgres_url
from tests.stores import empty_store

__all__ = ["postgres_server_url", "postgres_url"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'neq.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store."""
    store = empty_store(url)
    yield store
    store.close()


@pytest.fixture
def worker_id(store: Store) -> str:
    """A registered worker."""
    return store.register_worker(**WORKER).id


@pytest.fixture
def run(store: Store, worker_id: str) -> Run:
    """A run that the worker has claimed."""
    store.create_run(config={"seed": 0}, epochs_planned=4)
    run = store.claim(worker_id)
    assert run is not None
    return run
