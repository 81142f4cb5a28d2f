"""A real Chromium in front of a page with our scripts, or of the whole system."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from cli.assemble import assemble
from db import Store
from server.settings import ServerSettings
from tests.chromium import chromium, tab
from tests.pictures.workbench import Line, application, served
from tests.server.serving import serving

__all__ = ["chromium"]


@pytest.fixture
def density() -> float:
    """Device pixels in a CSS pixel."""
    return 1.0


@pytest.fixture
def page(chromium: Browser, density: float) -> Iterator[Page]:
    """A tab of its own."""
    with tab(chromium, viewport={"width": 1440, "height": 1000}, device_scale_factor=density) as page:
        yield page


@pytest.fixture
def line() -> Line:
    """The far end of the page's socket."""
    return Line()


@pytest.fixture
def bench(page: Page, line: Line) -> Iterator[Page]:
    """A page with the scripts alone."""
    with served(application(line)) as address:
        page.goto(address)
        yield page
        page.goto("about:blank")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    store = Store.open(f"sqlite:///{tmp_path / 'neq.db'}")
    yield store
    store.close()


@pytest.fixture
def address(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The whole system on that store, without a worker."""
    for name in ServerSettings.model_fields:
        monkeypatch.delenv(f"NEQ_{name.upper()}", raising=False)
    settings = ServerSettings(database_url=f"sqlite:///{tmp_path / 'neq.db'}")
    with serving(assemble(store, settings), settings) as address:
        yield address.split("?")[0].rstrip("/")
