"""The login page in real Chromium: what headers a browser really sends decides whether its form is let in."""

import pytest
from fastapi import FastAPI
from playwright.sync_api import sync_playwright
from pydantic import SecretStr

from db import Store
from server.app import create_app
from server.settings import ServerSettings
from tests.chromium import FLAGS
from tests.pictures.walking import walk
from tests.server.serving import serving
from tests.setup_browser import find_chromium

pytestmark = pytest.mark.browser

OPEN_SOCKET = """() => new Promise(done => {
  const socket = new WebSocket("ws://" + location.host + "/api/v1/live");
  socket.onmessage = message => done(JSON.parse(message.data).type);
  socket.onerror = () => done("refused");
})"""


def test_a_person_types_the_token_and_reads_the_documentation(store: Store, settings: ServerSettings) -> None:
    app: FastAPI = create_app(store, settings.model_copy(update={"token": SecretStr("open-sesame")}))
    with serving(app, settings) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/docs?deep=1")
        page.fill("#token", "wrong")
        page.click("button")
        assert "not the token" in page.inner_text("[role=alert]")
        page.fill("#token", "open-sesame")
        page.click("button")
        page.wait_for_selector(".opblock")
        assert page.url == f"{address}/docs?deep=1"
        assert page.evaluate(OPEN_SOCKET) == "hello"
        assert all(url.startswith(address) for url in asked)
        browser.close()


def test_the_login_page_is_walked_with_tab_and_left_both_ways(store: Store, settings: ServerSettings) -> None:
    app: FastAPI = create_app(store, settings.model_copy(update={"token": SecretStr("open-sesame")}))
    with serving(app, settings) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        context = browser.new_context(bypass_csp=True)  # the walk puts a style of its own into the page
        page = context.new_page()
        page.goto(f"{address}/docs")
        for key in ("Tab", "Shift+Tab"):
            met = walk(page, key)
            assert (met.left, met.missed, met.ringless) == (True, [], [])
        browser.close()
