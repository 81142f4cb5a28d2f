"""A real Chromium in front of a page with our scripts, or of the whole system."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from cli.assemble import assemble
from contract.config import RunConfig
from db import Store
from server.settings import ServerSettings
from tests.chromium import Chromium, chromium, tab
from tests.pictures.costs import costs
from tests.pictures.script_recording import ScriptRecording
from tests.pictures.workbench import Line, application, served
from tests.server.recording import Recording
from tests.server.serving import serving
from tests.stores import empty_store

__all__ = ["chromium"]


@pytest.fixture
def density() -> float:
    """Device pixels in a CSS pixel."""
    return 1.0


@pytest.fixture
def page(chromium: Chromium, density: float) -> Iterator[Page]:
    """A tab of its own."""
    with tab(chromium, viewport={"width": 1440, "height": 1000}, device_scale_factor=density) as page:
        yield page


@pytest.fixture
def line() -> Line:
    """The far end of the page's socket."""
    return Line()


@pytest.fixture
def bench(page: Page, line: Line) -> Iterator[Page]:
    """A page with the scripts alone."""
    with served(application(line)) as address:
        page.goto(address)
        page.wait_for_function("() => neq.ready")
        yield page
        page.goto("about:blank")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    store = empty_store(f"sqlite:///{tmp_path / 'neq.db'}")
    yield store
    store.close()


@pytest.fixture
def live_run(store: Store) -> Recording:
    """A run with five epochs, inside its sixth."""
    recording = Recording(store, (6, 40, 40), epochs=30, costs=costs)
    recording.start()
    for _ in range(5):
        recording.epoch()
    recording.progress(4)
    recording.log("a line")
    return recording


@pytest.fixture
def scripts(store: Store) -> dict[str, str]:
    """The ids of two runs that scripts record, one with a watch."""
    external = ScriptRecording(store)
    unwatched = ScriptRecording(store, "external02", name="watches nothing")
    external.watch()
    external.epoch()
    for script in (external, unwatched):
        script.log("val/loss", [3.0, 2.0], epochs=[0, 1])
        script.log("lr", [0.1])
    return {"external": external.id, "unwatched": unwatched.id}


@pytest.fixture
def runs(store: Store, live_run: Recording) -> dict[str, str]:
    """The ids of a running, a queued and a stopped run, for the addresses of `tests.pictures.pages`."""
    config = RunConfig().model_dump(mode="json")
    queued = store.create_run(name="waits", config=config, epochs_planned=24)
    stopped = store.create_run(name="was stopped", config=config, epochs_planned=24)
    store.request_stop(stopped.id)
    return {"running": live_run.id, "queued": queued.id, "stopped": stopped.id}


@pytest.fixture
def address(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The whole system on that store, without a worker."""
    for name in ServerSettings.model_fields:
        monkeypatch.delenv(f"NEQ_{name.upper()}", raising=False)
    settings = ServerSettings(
        database_url=f"sqlite:///{tmp_path / 'neq.db'}",
        silence_limit_seconds=600,  # no worker speaks for a recording, and a walk of all pages takes its time
    )
    with serving(assemble(store, settings), settings) as address:
        yield address.split("?")[0].rstrip("/")
