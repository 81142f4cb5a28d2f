"""Chromium in front of a real proxy process: below a path prefix, with a rewritten Host, without WebSockets."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pydantic import SecretStr

from cli.assemble import assemble
from db import Store
from server.settings import ServerSettings
from tests.chromium import Chromium, tab
from tests.proxy import proxying
from tests.server.recording import Recording
from tests.server.serving import serving

pytestmark = pytest.mark.process

PREFIX = "/user/ana/proxy/8300"
TOKEN = "open-sesame-42"
PICTURE = "[data-part=neurons] canvas.picture-pixels"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    """Of a server below the prefix."""
    for name in ServerSettings.model_fields:
        monkeypatch.delenv(f"NEQ_{name.upper()}", raising=False)
    return ServerSettings(database_url=f"sqlite:///{tmp_path / 'neq.db'}", root_path=PREFIX)


@pytest.fixture
def store(settings: ServerSettings) -> Iterator[Store]:
    """An empty store."""
    store = Store.open(settings.database_url)
    yield store
    store.close()


def port_of(address: str) -> int:
    return int(address.rsplit(":", 1)[1])


def strays(page: Page, base: str) -> list[str]:
    """Gathers what the page asks for outside of the prefix, and what is answered with an error."""
    found: list[str] = []
    page.on(
        "request", lambda asked: None if asked.url.startswith((base, "data:", "blob:")) else found.append(asked.url)
    )
    page.on("response", lambda answer: found.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    page.on("websocket", lambda socket: None if PREFIX in socket.url else found.append(socket.url))
    return found


@pytest.mark.parametrize("mode", [(), ("keep",)], ids=["prefix cut off", "prefix left on"])
def test_every_page_works_below_a_path_prefix(
    chromium: Chromium, store: Store, settings: ServerSettings, mode: tuple[str, ...]
) -> None:
    recording = Recording(store, epochs=30)
    recording.start()
    recording.epoch()
    with (
        serving(assemble(store, settings), settings) as address,
        proxying(port_of(address), PREFIX, *mode) as port,
        tab(chromium) as page,
    ):
        base = f"http://127.0.0.1:{port}{PREFIX}"
        found = strays(page, base)
        page.goto(base)  # without the last slash, as people type it
        expect(page.get_by_text("recorded").first).to_be_visible()
        expect(page.locator("#live-word")).to_have_text("Live")
        expect(page.locator("#nav [aria-current=page]")).to_have_text("Runs")

        page.get_by_role("link", name="recorded").click()
        expect(page).to_have_url(re.compile(f"^{re.escape(base)}/runs/{recording.id}"))
        page.wait_for_selector(PICTURE)
        recording.epoch()
        expect(page.locator("[data-part=state]")).to_contain_text("running")
        page.wait_for_function("() => neq.run.present().feed.done >= 2")
        page.reload()
        page.wait_for_selector(PICTURE)

        page.get_by_role("link", name="New run").first.click()
        expect(page).to_have_url(f"{base}/new")
        page.get_by_label("Name").fill("below a prefix")
        page.get_by_role("button", name="Launch run").click()
        page.wait_for_url(re.compile(f"^{re.escape(base)}/runs/[a-z0-9]{{10}}"))
        expect(page.get_by_role("heading", name="below a prefix")).to_be_visible()
        made = page.url.rsplit("/", 1)[1].partition("?")[0]

        page.goto(f"{base}/compare?runs={recording.id},{made}")
        expect(page.locator("a", has_text="recorded").first).to_have_attribute("href", f"{PREFIX}/runs/{recording.id}")
        page.goto(f"{base}/docs")
        page.wait_for_selector(".opblock")
        assert found == []
        page.goto(f"{base}/nothing/here")
        expect(page.get_by_role("link", name="All runs")).to_have_attribute("href", f"{PREFIX}/")


@pytest.mark.parametrize("mode", [(), ("keep",)], ids=["prefix cut off", "prefix left on"])
def test_the_token_is_asked_for_below_the_prefix_and_its_cookie_stays_there(
    chromium: Chromium, store: Store, settings: ServerSettings, mode: tuple[str, ...]
) -> None:
    settings = settings.model_copy(update={"token": SecretStr(TOKEN)})
    with (
        serving(assemble(store, settings), settings) as address,
        proxying(port_of(address), PREFIX, *mode) as port,
        tab(chromium) as page,
    ):
        base = f"http://127.0.0.1:{port}{PREFIX}"
        page.goto(f"{base}/new?preset=demo-sgd")
        page.fill("#token", TOKEN)
        page.click("button")
        expect(page).to_have_url(f"{base}/new?preset=demo-sgd")
        expect(page.locator("#live-word")).to_have_text("Live")
        (cookie,) = page.context.cookies()
        assert cookie["path"] == PREFIX
        page.context.clear_cookies()
        page.goto(f"{base}/?token={TOKEN}")
        expect(page).to_have_url(f"{base}/")
        expect(page.locator("#live-word")).to_have_text("Live")


def test_a_proxy_that_sends_its_own_host_is_named_with_the_remedy(
    chromium: Chromium, store: Store, settings: ServerSettings
) -> None:
    recording = Recording(store, epochs=30)
    recording.start()
    settings = settings.model_copy(update={"root_path": ""})
    with (
        serving(assemble(store, settings), settings) as address,
        proxying(port_of(address), "", "rewrite") as port,
        tab(chromium) as page,
    ):
        page.goto(f"http://127.0.0.1:{port}/")
        expect(page.locator("#lost-banner")).to_contain_text("NEQ_ALLOWED_HOSTS=127.0.0.1")
        expect(page.locator("#lost-banner")).not_to_contain_text("updates as soon as")
        expect(page.locator("#live-word")).to_have_text("Not live")
        page.goto(f"http://127.0.0.1:{port}/runs/{recording.id}")
        expect(page.locator("#lost-banner")).to_contain_text("NEQ_ALLOWED_HOSTS=127.0.0.1")


def test_behind_a_proxy_with_its_own_host_all_works_once_the_name_is_allowed(
    chromium: Chromium, store: Store, settings: ServerSettings
) -> None:
    settings = settings.model_copy(update={"allowed_hosts": ("127.0.0.1",)})
    with (
        serving(assemble(store, settings), settings) as address,
        proxying(port_of(address), PREFIX, "rewrite") as port,
        tab(chromium) as page,
    ):
        page.goto(f"http://127.0.0.1:{port}{PREFIX}/new")
        expect(page.locator("#live-word")).to_have_text("Live")
        page.get_by_role("button", name="Launch run").click()
        page.wait_for_url(re.compile(r"/runs/[a-z0-9]{10}"))


def test_a_proxy_that_passes_no_websocket_on_is_said(
    chromium: Chromium, store: Store, settings: ServerSettings
) -> None:
    recording = Recording(store, epochs=30)
    recording.start()
    with (
        serving(assemble(store, settings), settings) as address,
        proxying(port_of(address), PREFIX, "deaf") as port,
        tab(chromium) as page,
    ):
        page.goto(f"http://127.0.0.1:{port}{PREFIX}/")
        expect(page.locator("#lost-banner")).to_contain_text("may block WebSockets")
        page.goto(f"http://127.0.0.1:{port}{PREFIX}/runs/{recording.id}")
        expect(page.locator("[data-part=notice]")).to_contain_text("may block WebSockets")
