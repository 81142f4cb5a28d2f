"""Two servers on one PostgreSQL behind a proxy that gives each connection to another: nobody notices."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from db import Store
from tests.postgres import postgres_server_url, postgres_url
from tests.proxy import proxying
from tests.server.recording import Recording
from tests.system import System

__all__ = ["postgres_server_url", "postgres_url"]

pytestmark = pytest.mark.process


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    opened = Store.open(postgres_url)
    yield opened
    opened.close()


@pytest.fixture
def servers(store: Store, postgres_url: str, tmp_path: Path) -> Iterator[list[System]]:
    """Two, started at the same time as a cluster starts them."""
    both = [System(tmp_path, postgres_url) for _ in range(2)]
    for each in both:
        each.start_server()
    yield both
    for each in both:
        each.stop()


def test_they_answer_alike_and_what_one_is_told_the_other_says_at_once(servers: list[System], store: Store) -> None:
    run = Recording(store, (8, 40), epochs=30)
    run.start()
    run.epoch()
    for path in ("overview?field=frozen", "layers", "layers/1/phi", "epochs", "metrics"):
        path = f"/runs/{run.id}/{path}"
        one, other = (httpx.get(f"{each.url}/api/v1{path}", trust_env=False) for each in servers)
        assert one.status_code == other.status_code == 200 and one.content == other.content, path
        assert one.headers.get("ETag") == other.headers.get("ETag"), path
        if tag := one.headers.get("ETag"):  # what one has told, the other knows by its name
            again = httpx.get(f"{servers[1].url}/api/v1{path}", trust_env=False, headers={"If-None-Match": tag})
            assert again.status_code == 304, path
    for number in range(30):
        writer, reader = (servers[number % 2], servers[1 - number % 2])
        writer.ask("PATCH", f"/runs/{run.id}", json={"notes": f"note {number}"})
        assert reader.ask("GET", f"/runs/{run.id}")["notes"] == f"note {number}"
        found = reader.ask("GET", "/runs", params={"where": f'notes = "note {number}"'})
        assert found["total"] == 1


def test_a_page_goes_on_at_the_other_server_when_its_own_goes_and_no_epoch_is_lacking(
    servers: list[System], store: Store, page: Page
) -> None:
    run = Recording(store, (8, 40), epochs=30)
    run.start()
    run.epoch()
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    with proxying([each.port for each in servers], "") as port:
        page.goto(f"http://127.0.0.1:{port}/runs/{run.id}?layer=1")
        expect(page.locator("[data-part=cursor-words]")).to_have_text("epoch 0")
        for gone in (0, 1, 0):
            before = len(sockets)
            servers[gone].stop_server()
            epochs = run.store.run(run.id).epochs_done
            run.epoch()
            page.wait_for_function(f"() => neq.run.present()?.feed.done === {epochs + 1}")
            servers[gone].start_server()
            run.epoch()
            page.wait_for_function(f"() => neq.run.present()?.feed.done === {epochs + 2}")
            assert len(sockets) <= before + 20, "the page asks for a socket again and again"
        assert len(sockets) >= 2, "no socket has moved: the proxy led all to one server"
        cells = page.evaluate("() => [...neq.run.present().feed.open.get(1).cells.known.subarray(0, 7)]")
        assert cells == [1] * 7
        launched = page.request.post(f"http://127.0.0.1:{port}/api/v1/runs", data={"name": "the new one"})
        assert launched.status == 201
        page.get_by_role("link", name="Runs", exact=True).click()
        expect(page.get_by_role("row").filter(has_text="the new one")).to_have_count(1)
