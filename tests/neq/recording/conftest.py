"""A stub server, a folder for the parts, and none of what this machine's environment says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import neq
from neq.recording.run import _open_runs
from tests.neq.recording.stub_server import Store, serving


@pytest.fixture(autouse=True)
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of runs; nothing is printed into them or sampled unless a test asks for it."""
    for name in ("NEQ_TOKEN", "NEQ_MODE", "NEQ_URL", "RANK"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "runs"
    for name, value in {"NEQ_DIR": str(folder), "NEQ_CAPTURE": "0", "NEQ_SYSTEM": "0"}.items():
        monkeypatch.setenv(name, value)
    yield folder
    assert not list(_open_runs), "a test left a run open"


@pytest.fixture
def store() -> Store:
    """What the server keeps."""
    return Store()


@pytest.fixture
def server(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server's address, which the environment has too."""
    with serving(store) as url:
        monkeypatch.setenv("NEQ_URL", url)
        yield url


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address at which nobody listens."""
    with serving(Store()) as url:
        pass
    monkeypatch.setenv("NEQ_URL", url)
    return url


@pytest.fixture
def offline(nowhere: str) -> Iterator[neq.Run]:
    """A run that only writes its folder."""
    with neq.init(mode="offline") as run:
        yield run
