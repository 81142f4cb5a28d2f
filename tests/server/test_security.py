"""Who may speak to the server: hosts, origins, the token, the login page, sizes, headers."""

import asyncio
import logging
import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr, ValidationError
from starlette.testclient import WebSocketDenialResponse

from db import Store
from server.app import create_app
from server.security.tokens import OpenAddressRefused, make_token, refuse_open_address
from server.settings import ServerSettings
from tests.server.conftest import BASE
from tests.server.serving import browser, serving

pytestmark = pytest.mark.slow

TOKEN = "open-sesame-42"
HEALTH = "/api/v1/health"
RUNS = "/api/v1/runs"
SOCKET = "ws://127.0.0.1:8000/api/v1/live"
PAGE = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def guarded(store: Store, settings: ServerSettings) -> FastAPI:
    """An application that asks for a token, with a page of somebody else's mounted on it."""
    app = create_app(store, settings.model_copy(update={"token": SecretStr(TOKEN)}))

    @app.get("/{path:path}")
    async def page(path: str) -> str:
        return f"page {path}"

    return app


@pytest.fixture
def stranger(guarded: FastAPI) -> Iterator[TestClient]:
    """Somebody without the token."""
    with TestClient(guarded, base_url=BASE, follow_redirects=False) as client:
        yield client


# ---------------------------------------------------------------- Host and Origin


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:1234", "[::1]:8000", "LOCALHOST"])
def test_our_own_names_are_answered_to(asker: TestClient, host: str) -> None:
    assert asker.get(HEALTH, headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "10.0.0.1", "", "127.0.0.1@evil", "a b", "[::1"],
)
@pytest.mark.parametrize("path", [HEALTH, "/", "/docs"])
def test_another_host_name_is_refused_everywhere(asker: TestClient, host: str, path: str) -> None:
    assert asker.get(path, headers={"host": host}).status_code == 400


def test_settings_may_add_a_host_name(store: Store, settings: ServerSettings) -> None:
    app = create_app(store, settings.model_copy(update={"allowed_hosts": ("neq.example",)}))
    client = TestClient(app, base_url=BASE)
    assert client.get(HEALTH, headers={"host": "neq.example"}).status_code == 200
    assert client.post(RUNS, json={}, headers={"host": "proxy.example"}).status_code == 400


def test_host_names_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEQ_ALLOWED_HOSTS", "neq.example, other.example")
    assert ServerSettings().allowed_hosts == ("neq.example", "other.example")


def framing(store: Store, settings: ServerSettings) -> str:
    answer = TestClient(create_app(store, settings), base_url=BASE).get(HEALTH)
    (found,) = re.findall(r"frame-ancestors ([^;]*)", answer.headers["content-security-policy"])
    return found


def test_nobody_may_frame_a_page_but_the_origins_in_the_setting(
    store: Store, settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert framing(store, settings) == "'none'"
    monkeypatch.setenv("NEQ_FRAME_ANCESTORS", "http://localhost:8888, https://hub.example")
    told = {"frame_ancestors": ServerSettings().frame_ancestors}
    assert framing(store, settings.model_copy(update=told)) == "http://localhost:8888 https://hub.example"


@pytest.mark.parametrize(
    "origin", ["*", "localhost:8888", "http://a/b", "http://a; script-src *", "http://a\nX: y", "'self'"]
)
def test_what_is_no_origin_may_frame_nothing(origin: str) -> None:
    with pytest.raises(ValidationError, match="is not an origin"):
        ServerSettings(frame_ancestors=(origin,))


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "http://127.0.0.1:9000", "null", "http://127.0.0.1:8000.evil.example", "file://", "x"],
)
@pytest.mark.parametrize(("method", "path"), [("POST", RUNS), ("DELETE", f"{RUNS}/a"), ("PATCH", f"{RUNS}/a")])
def test_another_sites_page_changes_nothing(asker: TestClient, method: str, path: str, origin: str) -> None:
    assert asker.request(method, path, json={}, headers={"origin": origin}).status_code == 403
    assert asker.get(RUNS).json()["runs"] == []


def test_our_own_page_and_programs_without_an_origin_may(client: TestClient) -> None:
    assert client.post(RUNS, json={}, headers={"origin": BASE}).status_code == 201
    assert client.post(RUNS, json={}).status_code == 201


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}, {"origin": "null"}])
def test_another_sites_page_gets_no_socket(client: TestClient, headers: dict[str, str]) -> None:
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(SOCKET, headers=headers):
        pass
    assert refused.value.status_code in (400, 403)


# ---------------------------------------------------------------- the token


@pytest.mark.parametrize("path", [HEALTH, RUNS, "/", "/docs", "/openapi.json", "/docs/start.js", "/runs/a", "/api/x"])
def test_nothing_is_told_without_the_token(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert stranger.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401
    assert stranger.get(path, headers={"cookie": f"neq_session_8000={TOKEN}"}).status_code == 401
    assert stranger.get(path, params={"token": "wrong"}).status_code == 401


def test_no_socket_is_opened_without_the_token(stranger: TestClient) -> None:
    with pytest.raises(WebSocketDenialResponse) as refused, stranger.websocket_connect(SOCKET):
        pass
    assert refused.value.status_code == 401


def test_the_socket_opens_with_the_token_or_its_cookie(guarded: FastAPI, settings: ServerSettings) -> None:
    async def greeted(address: str, headers: dict[str, str]) -> None:
        async with browser(address, additional_headers=headers) as tab:
            await tab.hear_until(lambda tab: bool(tab.of("hello")))

    with serving(guarded, settings) as address:
        asyncio.run(greeted(address, {"Authorization": f"Bearer {TOKEN}"}))
        cookie = httpx.get(f"{address}/", params={"token": TOKEN}).headers["set-cookie"].partition(";")[0]
        asyncio.run(greeted(address, {"Cookie": cookie, "Origin": address}))


def test_a_program_sends_the_token_as_a_header(stranger: TestClient) -> None:
    assert stranger.get(HEALTH, headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_the_printed_link_becomes_a_cookie_and_an_address_without_the_token(stranger: TestClient) -> None:
    answer = stranger.get(f"/runs/a?layer=3&token={TOKEN}&x=", headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs/a?layer=3&x=")
    cookie = answer.headers["set-cookie"]
    assert TOKEN not in cookie
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert stranger.get("/runs/a").status_code == 200
    assert stranger.post(RUNS, json={}, headers={"origin": BASE}).status_code == 201


def test_the_link_leads_to_no_other_host(stranger: TestClient) -> None:
    for path in ("//evil.example/x", "/\\evil.example/x", "/%5Cevil.example", "/%2Fevil.example"):
        location = stranger.get(f"{BASE}{path}?token={TOKEN}").headers["location"]
        assert re.match(r"/[^/\\]", location)
    form = {"token": TOKEN, "next": "//evil.example"}
    assert stranger.post("/login", data=form).headers["location"] == "/evil.example"


def test_a_link_followed_from_another_site_goes_on_by_a_page_of_ours(stranger: TestClient) -> None:
    answer = stranger.get(f"/?token={TOKEN}", headers={**PAGE, "sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert 'content="0; url=/"' in answer.text
    assert "set-cookie" in answer.headers


def test_a_browser_without_the_token_gets_a_page_that_asks_for_it(stranger: TestClient) -> None:
    page = stranger.get("/runs/a?layer=2", headers=PAGE)
    assert page.status_code == 401
    assert 'value="/runs/a?layer=2"' in page.text
    assert not re.search(r"(src|href)=.(http|//)", page.text)
    wrong = stranger.post("/login", data={"token": "wrong", "next": "/runs/a"})
    assert wrong.status_code == 401
    assert "not the token" in wrong.text
    right = stranger.post("/login", data={"token": TOKEN, "next": "/runs/a?layer=2"}, headers={"origin": BASE})
    assert (right.status_code, right.headers["location"]) == (303, "/runs/a?layer=2")
    assert stranger.get("/runs/a").status_code == 200


def test_what_is_asked_for_does_not_become_part_of_the_page(stranger: TestClient) -> None:
    page = stranger.get('/"><script>alert(1)</script>', headers=PAGE)
    assert "<script>" not in page.text


def test_the_api_answers_a_browser_without_the_token_in_json(stranger: TestClient) -> None:
    assert stranger.get(HEALTH, headers=PAGE).headers["content-type"] == "application/json"


def test_a_cookie_of_another_token_does_not_open(store: Store, settings: ServerSettings, stranger: TestClient) -> None:
    other = create_app(store, settings.model_copy(update={"token": SecretStr("another-token")}))
    stranger.get(f"/?token={TOKEN}")
    assert TestClient(other, base_url=BASE, cookies=stranger.cookies).get(HEALTH).status_code == 401


def test_no_secret_is_logged(stranger: TestClient, guarded: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    @guarded.get("/api/broken")
    async def broken() -> None:
        raise RuntimeError("on purpose")

    guarded.router.routes.insert(0, guarded.router.routes.pop())
    caplog.set_level(logging.DEBUG)
    answer = stranger.get("/api/broken?x=1", headers={"authorization": f"Bearer {TOKEN}"})
    stranger.get(f"/?token={TOKEN}")
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-request-id"] in caplog.text
    assert "on purpose" in caplog.text
    assert TOKEN not in "".join(record.getMessage() for record in caplog.records if record.name == "server")
    assert "on purpose" not in answer.text


# ---------------------------------------------------------------- where it listens


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "neq.example"])
def test_an_open_address_without_a_token_is_refused(settings: ServerSettings, host: str) -> None:
    with pytest.raises(OpenAddressRefused, match="NEQ_TOKEN"):
        refuse_open_address(settings.model_copy(update={"host": host}))
    refuse_open_address(settings.model_copy(update={"host": host, "token": SecretStr(make_token())}))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"])
def test_loopback_needs_no_token(settings: ServerSettings, host: str) -> None:
    refuse_open_address(settings.model_copy(update={"host": host}))


def test_an_open_server_answers_to_addresses_but_not_to_strange_names(store: Store, settings: ServerSettings) -> None:
    open_ = settings.model_copy(update={"host": "0.0.0.0", "token": SecretStr(TOKEN)})
    client = TestClient(create_app(store, open_), base_url=BASE, headers={"authorization": f"Bearer {TOKEN}"})
    assert client.get(HEALTH, headers={"host": "192.168.7.7:8000"}).status_code == 200
    assert client.get(HEALTH, headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("token", ["short", "with a space in it", "ümläut-token"])
def test_a_token_that_would_not_do_is_refused(token: str) -> None:
    with pytest.raises(ValidationError, match="token"):
        ServerSettings(token=SecretStr(token))


def test_an_empty_token_is_none_and_a_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEQ_TOKEN", "")
    assert ServerSettings().token is None
    monkeypatch.setenv("NEQ_TOKEN", TOKEN)
    assert TOKEN not in repr(ServerSettings())


# ---------------------------------------------------------------- sizes and headers


def test_a_body_that_is_too_large_is_refused_announced_or_not(client: TestClient) -> None:
    assert client.post(RUNS, content=b"x" * 1_200_001).status_code == 413
    chunks = (b"x" * 100_000 for _ in range(13))
    answer = client.post(RUNS, content=chunks, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert "1,200,000" in answer.json()["detail"]


@pytest.mark.parametrize("path", [HEALTH, "/docs", "/api/x", "/nothing"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy
