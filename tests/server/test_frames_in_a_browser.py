"""A notebook's page frames the server's in real Chromium where the setting names its origin, and nowhere else."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import sync_playwright

from db import Store
from server.app import create_app
from server.settings import ServerSettings
from tests.chromium import FLAGS
from tests.server.serving import serving
from tests.setup_browser import find_chromium

pytestmark = pytest.mark.browser


class Notebook(ThreadingHTTPServer):
    """Answers everything with a page that has one frame. A browser lets nothing but loopback itself frame loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.frame = ""


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Notebook)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f'<iframe src="{self.server.frame}" width="900" height="600"></iframe>'.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    with Notebook() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.mark.parametrize("named", ["its origin", "another", "none"])
def test_who_is_named_frames_the_pages_and_nobody_else(
    store: Store, settings: ServerSettings, notebook: Notebook, named: str
) -> None:
    origins = {"its origin": (notebook.origin,), "another": ("http://127.0.0.1:9",), "none": ()}[named]
    settings = settings.model_copy(update={"frame_ancestors": origins})
    with serving(create_app(store, settings), settings) as address, sync_playwright() as playwright:
        notebook.frame = f"{address}/docs"
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(FLAGS))
        page = browser.new_page()
        failed: list[str] = []
        page.on("requestfailed", lambda request: failed.append(f"{request.url} {request.failure}"))
        if named == "its origin":
            page.goto(notebook.origin)
            page.frame_locator("iframe").locator("#swagger-ui .info").wait_for()
            assert failed == []
        else:
            with page.expect_event("requestfailed"):
                page.goto(notebook.origin)
            assert failed == [f"{address}/docs net::ERR_BLOCKED_BY_RESPONSE"]
            assert page.frames[1].url != f"{address}/docs"
        browser.close()
