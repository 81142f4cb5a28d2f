"""The real system behind a socket, and a real browser in front of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page

from cli.assemble import assemble
from db import Store
from server.settings import ServerSettings
from tests.chromium import Chromium, chromium, tab
from tests.server.serving import serving
from tests.stores import empty_store

__all__ = ["chromium"]


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
    """API and dashboard on it."""
    return assemble(store, settings)


@pytest.fixture
def address(app: FastAPI, settings: ServerSettings) -> Iterator[str]:
    """Where the system is served."""
    with serving(app, settings) as address:
        yield address.split("?")[0].rstrip("/")


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    """A tab of its own."""
    with tab(chromium) as page:
        yield page
