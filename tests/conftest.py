"""Marks tests by what they start, so that `make test-fast` can leave out what is slow to start.

`browser` and `postgres` follow from the fixtures that a test asks for, and so does `process` where the fixture is a
running system. Other tests that start Python anew, which takes a second, and three with torch, carry the mark `process`
in their file; one that does so without the mark fails.
"""

import gc
import sys
from collections.abc import Generator

import pytest

MARKS = {"chromium": "browser", "postgres_server_url": "postgres", "system": "process"}
"""By the fixture that a test asks for, itself or through others."""

gc.set_threshold(20_000, 20, 20)
"""Beside all that the tests import, Python's own thresholds let garbage collection take a fifth of most tests' time."""

PYTHON = sys.executable

_started: list[str] = []
"""The Pythons that were started since a test began."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in MARKS:
                item.add_marker(MARKS[fixture])


def pytest_collection_finish() -> None:
    """What has been imported stays: it need not be looked through for garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test begins, and with it the fixtures that it shares with later ones."""
    _started.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fails a test that passed and has started Python without its mark."""
    result = yield
    marked = item.get_closest_marker("process") or item.get_closest_marker("endurance")
    if _started and not marked:
        pytest.fail(f"It starts Python: mark it with pytest.mark.process.\n{_started[0]}", pytrace=False)
    return result


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen" and arguments[0] == PYTHON:
        _started.append(str(arguments[1])[:200])


sys.addaudithook(_watch)
