"""The one way in which tests start a browser, and what every tab of theirs must keep."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.pages_hook import HOOK
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

PATIENCE_MS = 20_000
"""How long a test waits for what a page is to show. Patience, not a bound: the form takes 5 s to be drawn where several
trainings share the processors, and how long pages take is measured in `bench/browser`."""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for the tests of one file.

    Not for more: while it is there its event loop runs in this thread, and tests that start one of their own fail.
    """
    path = find_chromium()
    assert path, "no Chromium: `make test` gets one, or name one in NEQ_CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def tab(browser: Browser, **options: Any) -> Iterator[Page]:
    """A tab with a profile of its own; at its end no script has raised, no policy refused, no other host been asked.

    Args:
        options: those of Playwright's `new_context`, such as `viewport` or `device_scale_factor`.
    """
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    context.add_init_script(HOOK)
    page = context.new_page()
    wrong: list[str] = []

    def heard(said: ConsoleMessage) -> None:
        if "Content Security Policy" in said.text:
            wrong.append(said.text)

    page.on("pageerror", lambda error: wrong.append(f"raised: {error}"))
    page.on("console", heard)
    page.on("request", lambda asked: None if is_ours(asked.url) else wrong.append(f"asked for {asked.url}"))
    yield page
    found = list(wrong)  # closing breaks off what is still being fetched, which is no fault
    context.close()
    assert found == [], repr(found)


def is_ours(url: str) -> bool:
    """Whether an address leads to this machine or into the page itself."""
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))
