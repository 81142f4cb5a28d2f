"""A real Chromium on the real system: web process, worker, store, started as a person starts them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.setup_browser import find_chromium
from tests.system import System, running

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# What Chromium itself says while a server is away; everything else in the console is a fault of ours.
AWAY = ("net::ERR_", "WebSocket connection to", "Failed to fetch")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a process."""
    path = find_chromium()
    assert path, "no Chromium: `make test` gets one, or name one in NEQ_CHROMIUM"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of its own; errors in its console fail the test, and so does a request to any other host."""
    faults: list[str] = []
    context = browser.new_context(viewport={"width": 1440, "height": 1200})
    tab = context.new_page()
    tab.set_default_timeout(20_000)

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(words in message.text for words in AWAY):
            faults.append(message.text)

    tab.on("console", heard)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("request", lambda request: faults.append(request.url) if is_foreign(request.url) else None)
    yield tab
    context.close()
    assert faults == []


def is_foreign(url: str) -> bool:
    """Whether an address leads anywhere but to this machine or into the page itself."""
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A system of this test's own."""
    with running(tmp_path) as started:
        yield started
