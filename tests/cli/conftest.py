"""Commands called in the tests' own process leave it as it was."""

import os
import signal
from collections.abc import Iterator

import pytest


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variable of ours, and this process's own handlers of signals again."""
    for name in [name for name in os.environ if name.startswith("NEQ_")]:
        monkeypatch.delenv(name)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
