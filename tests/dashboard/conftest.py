"""The real system behind a socket, and a real browser in front of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from cli.assemble import assemble
from db import Store
from server.settings import ServerSettings
from tests.server.serving import serving
from tests.setup_browser import find_chromium

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    """Settings that nothing of the environment enters."""
    for name in ServerSettings.model_fields:
        monkeypatch.delenv(f"NEQ_{name.upper()}", raising=False)
    return ServerSettings(database_url=f"sqlite:///{tmp_path / 'neq.db'}")


@pytest.fixture
def store(settings: ServerSettings) -> Iterator[Store]:
    """An empty store."""
    store = Store.open(settings.database_url)
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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser for all tests of this process; each takes a page with a profile of its own."""
    path = find_chromium()
    assert path, "no Chromium: run tests/setup_browser.py"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab; at its end, scripts have raised nothing, policy refused nothing, and no other host was asked."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"raised: {error}"))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("request", lambda asked: None if _ours(asked.url) else wrong.append(f"asked for {asked.url}"))
    yield page
    found = list(wrong)  # closing breaks off what is still being fetched, which is no fault
    context.close()
    assert found == []


def _ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))
