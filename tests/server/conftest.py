"""A real store on a file of its own, and the application on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from db import Store
from server.app import create_app
from server.settings import ServerSettings
from tests.server.recording import Recording
from tests.server.serving import serving
from tests.stores import empty_store

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    """Settings that nothing of the environment enters."""
    for name in ServerSettings.model_fields:
        monkeypatch.delenv(f"NEQ_{name.upper()}", raising=False)
    return ServerSettings(database_url=f"sqlite:///{tmp_path / 'neq.db'}")


@pytest.fixture
def store(settings: ServerSettings) -> Iterator[Store]:
    """An empty store."""
    store = empty_store(settings.database_url)
    yield store
    store.close()


@pytest.fixture
def app(store: Store, settings: ServerSettings) -> FastAPI:
    """The application."""
    return create_app(store, settings)


@pytest.fixture
def address(app: FastAPI, settings: ServerSettings) -> Iterator[str]:
    """Where the application is served."""
    with serving(app, settings) as address:
        yield address


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client inside the process, with the application's lifespan running."""
    with TestClient(app, base_url=BASE, follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of an application on an empty store, shared by tests that only ask and are refused."""
    url = f"sqlite:///{tmp_path_factory.mktemp('empty') / 'neq.db'}"
    store = empty_store(url)
    with TestClient(create_app(store, ServerSettings(database_url=url)), base_url=BASE) as client:
        yield client
    store.close()


@pytest.fixture
def recording(store: Store) -> Recording:
    """A run of three layers that has started and finished four epochs."""
    recording = Recording(store)
    recording.start()
    for _ in range(4):
        recording.epoch()
    return recording
