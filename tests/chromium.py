"""The one way in which tests start a browser, and what every tab of theirs must keep."""

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

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

USUAL: ViewportSize = {"width": 1440, "height": 900}
_ALREADY = {"device_scale_factor": 1.0}
"""Options that are so without being asked for."""
STORED = "cookies,local_storage,indexeddb,websql,service_workers,cache_storage"

PATIENCE_MS = 20_000
"""How long a test waits for what a page is to show. Patience, not a bound: the form takes 5 s to be drawn where several
trainings share the processors, and how long pages take is measured in `bench/browser`."""

expect.set_options(timeout=PATIENCE_MS)


class Chromium:
    """A browser, started when it is first needed; twice, where tabs are asked for that a kept profile cannot give."""

    def __init__(self, playwright: Playwright, path: str) -> None:
        self._start = partial(playwright.chromium.launch, executable_path=path, args=list(FLAGS))
        self._start_kept = partial(
            playwright.chromium.launch_persistent_context, _profile(), executable_path=path, args=list(FLAGS)
        )
        self._browser: Browser | None = None
        self._kept: BrowserContext | None = None
        self._lent = False

    def new_context(self, **options: Any) -> BrowserContext:
        """A profile of its own, which begins with nothing; options are Playwright's."""
        if self._browser is None:
            self._browser = self._start()
        return self._browser.new_context(**options)

    @contextmanager
    def context(self, **options: Any) -> Iterator[BrowserContext]:
        """A profile in which nothing is stored; where the options allow it with the scripts that were compiled before,
        which take a third of the time of loading a page."""
        if self._lent or options:
            with self.new_context(**options) as context:
                context.add_init_script(HOOK)
                yield context
            return
        if self._kept is None:
            self._kept = self._start_kept()
            self._kept.add_init_script(HOOK)
        self._lent = True
        try:
            yield self._kept
        finally:
            _forget(self._kept)
            self._lent = False

    def close(self) -> None:
        """Ends it."""
        for each in (self._kept, self._browser):
            if each is not None:
                each.close()


@cache
def _profile() -> Path:
    """A folder for scripts as V8 has compiled them, for all tests of this process."""
    folder = tempfile.mkdtemp(prefix="neq-chromium-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _forget(context: BrowserContext) -> None:
    """Closes all tabs but the first, which is the browser's own, and takes away what pages have stored."""
    own, *others = context.pages
    origins = {f"{url.scheme}://{url.netloc}" for each in others if (url := urlsplit(each.url)).netloc}
    for each in others:
        each.close()
    context.set_offline(False)
    context.clear_cookies()
    context.clear_permissions()
    session = context.new_cdp_session(own)
    for origin in origins:
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": STORED})
    session.detach()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """A browser for the tests of one file.

    Not for more: while it is there its event loop runs in this thread, and tests that start one of their own fail.
    """
    path = find_chromium()
    assert path, "no Chromium: `make test` gets one, or name one in NEQ_CHROMIUM"
    with sync_playwright() as playwright:
        browser = Chromium(playwright, path)
        yield browser
        browser.close()


@contextmanager
def tab(browser: Chromium, *, viewport: ViewportSize = USUAL, **options: Any) -> Iterator[Page]:
    """A tab in a clean profile; at its end no script has raised, no policy refused, no other host been asked.

    Args:
        options: those of Playwright's `new_context`, such as `device_scale_factor`.
    """
    wrong: list[str] = []

    def heard(said: ConsoleMessage) -> None:
        if "Content Security Policy" in said.text:
            wrong.append(said.text)

    with browser.context(**{name: value for name, value in options.items() if value != _ALREADY.get(name)}) as context:
        page = context.new_page()
        page.set_viewport_size(viewport)
        page.on("pageerror", lambda error: wrong.append(f"raised: {error}"))
        page.on("console", heard)
        page.on("request", lambda asked: None if is_ours(asked.url) else wrong.append(f"asked for {asked.url}"))
        yield page
        found = list(wrong)  # closing breaks off what is still being fetched, which is no fault
    assert found == [], repr(found)


def is_ours(url: str) -> bool:
    """Whether an address leads to this machine or into the page itself."""
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))
