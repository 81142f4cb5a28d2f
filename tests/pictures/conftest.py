"""A real Chromium in front of a page with our scripts, or of the whole system."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from cli.assemble import assemble
from db import Store
from server.settings import ServerSettings
from tests.pictures.workbench import Line, application, served
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


def is_ours(url: str) -> bool:
    """Whether an address leads to this machine or into the page itself."""
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser for all tests of this process."""
    path = find_chromium()
    assert path, "no Chromium: run tests/setup_browser.py"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def density() -> float:
    """Device pixels in a CSS pixel."""
    return 1.0


@pytest.fixture
def page(chromium: Browser, density: float) -> Iterator[Page]:
    """A tab of its own. Scripts that raise, what the policy refuses and a request to another host fail the test."""
    context: BrowserContext = chromium.new_context(
        viewport={"width": 1440, "height": 1000}, device_scale_factor=density
    )
    tab = context.new_page()
    raised: list[str] = []
    tab.on("pageerror", lambda error: raised.append(str(error)))
    tab.on("console", lambda said: raised.append(said.text) if "Content Security Policy" in said.text else None)
    tab.on("request", lambda asked: None if is_ours(asked.url) else raised.append(f"asked for {asked.url}"))
    yield tab
    found = list(raised)
    context.close()
    assert found == []


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
