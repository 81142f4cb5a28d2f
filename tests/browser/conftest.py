"""A real Chromium on the real system: web process, worker, store, started as a person starts them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import chromium, tab
from tests.system import System, running

__all__ = ["chromium"]


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A tab of its own."""
    with tab(chromium, viewport={"width": 1440, "height": 1200}) as page:
        page.set_default_timeout(20_000)
        yield page


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A system of this test's own."""
    with running(tmp_path) as started:
        yield started
