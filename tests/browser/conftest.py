"""A real Chromium on the real system: web process, worker, store, started as a person starts them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.chromium import Chromium, chromium, tab
from tests.system import System, running

__all__ = ["chromium"]


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    """A tab of its own."""
    with tab(chromium, viewport={"width": 1440, "height": 1200}) as page:
        page.set_default_timeout(20_000)
        yield page


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One system for the tests of a file; each stops the run that it launched, so that the next one's finds a slot."""
    with running(tmp_path_factory.mktemp("system")) as started:
        yield started
