"""The server below a path prefix: the same answers with the prefix and without, and every address told with it."""

import json
import logging
import re

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr, ValidationError

from cli.assemble import assemble
from dashboard.addresses import Root
from db import Store
from server.app import create_app
from server.settings import ServerSettings
from tests.server.conftest import BASE

pytestmark = pytest.mark.slow

PREFIX = "/user/ana@uni/proxy/8300"
TOKEN = "open-sesame-42"
PAGE = {"accept": "text/html"}
RUNS = "/api/v1/runs"


def dash_prefix(document: str) -> str:
    """The prefix that Dash's own scripts are told."""
    found = re.search(r'id="_dash-config" type="application/json">(.+?)</script>', document)
    assert found
    return str(json.loads(found[1])["requests_pathname_prefix"])


@pytest.fixture
def below(store: Store, settings: ServerSettings) -> TestClient:
    """A client of a server below the prefix that asks for a token."""
    settings = ServerSettings(database_url=settings.database_url, root_path=PREFIX, token=SecretStr(TOKEN))
    return TestClient(assemble(store, settings), base_url=BASE, follow_redirects=False)


@pytest.mark.parametrize("written", [PREFIX, f"{PREFIX}/", PREFIX[1:], "/user/ana%40uni/proxy/8300", f" {PREFIX} "])
def test_a_prefix_may_be_written_in_several_ways(written: str) -> None:
    assert ServerSettings(root_path=written).root_path == PREFIX


@pytest.mark.parametrize("none", ["", "/", " "])
def test_no_prefix_is_none(none: str) -> None:
    assert ServerSettings(root_path=none).root_path == ""


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("https://hub.example/neq", "write the path alone"),
        ("/a//b", "write the path alone"),
        ("/a/../b", "write the path alone"),
        ("/a?b", "write the path alone"),
        ('/a"b', "write the path alone"),
        ("/a%2Fb", "write the path alone"),
        ("/runs", "choose another prefix"),
        ("/api/neq", "choose another prefix"),
        ("/_dash-layout", "choose another prefix"),
    ],
)
def test_what_is_no_prefix_is_refused_with_the_remedy(wrong: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ServerSettings(root_path=wrong)


@pytest.mark.parametrize("path", [f"{PREFIX}{RUNS}", "/user/ana%40uni/proxy/8300/api/v1/runs", RUNS])
def test_the_api_answers_with_the_prefix_left_on_and_cut_off(below: TestClient, path: str) -> None:
    assert below.get(path, headers={"authorization": f"Bearer {TOKEN}"}).json() == {
        "runs": [],
        "next": None,
        "total": None,
    }


def test_what_only_begins_like_the_prefix_is_not_below_it(below: TestClient) -> None:
    answer = below.get(f"{PREFIX}0{RUNS}", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 404


def test_addresses_in_answers_have_the_prefix(below: TestClient) -> None:
    known = {"authorization": f"Bearer {TOKEN}"}
    made = below.post(f"{PREFIX}{RUNS}", json={}, headers=known)
    assert made.headers["location"] == f"{PREFIX}{RUNS}/{made.json()['id']}"
    assert below.get("/openapi.json", headers=known).json()["servers"] == [{"url": PREFIX}]
    document = below.get(f"{PREFIX}/", headers=known).text
    assert f'data-root="{PREFIX}"' in document
    assert 'src="/assets' not in document and 'href="/assets' not in document
    assert dash_prefix(document) == f"{PREFIX}/"


def test_the_token_s_redirects_form_and_cookie_stay_below_the_prefix(below: TestClient) -> None:
    asked = below.get(f"{PREFIX}/runs/a?layer=2", headers=PAGE)
    assert asked.status_code == 401
    assert f'action="{PREFIX}/login"' in asked.text and 'value="/runs/a?layer=2"' in asked.text
    let_in = below.post(f"{PREFIX}/login", data={"token": TOKEN, "next": "/runs/a?layer=2"})
    assert let_in.headers["location"] == f"{PREFIX}/runs/a?layer=2"
    assert f"Path={PREFIX}" in let_in.headers["set-cookie"].split("; ")
    link = below.get(f"/?token={TOKEN}")
    assert link.headers["location"] == f"{PREFIX}/"
    from_elsewhere = below.get(f"/?token={TOKEN}", headers={**PAGE, "sec-fetch-site": "cross-site"})
    assert f'content="0; url={PREFIX}/"' in from_elsewhere.text


def test_two_servers_below_two_prefixes_of_one_host_do_not_take_each_other_s_cookie(
    store: Store, settings: ServerSettings
) -> None:
    answers = [
        TestClient(
            create_app(store, settings.model_copy(update={"root_path": root, "token": SecretStr(TOKEN)})),
            base_url=BASE,
            follow_redirects=False,
        ).get(f"/?token={TOKEN}")
        for root in ("", "/a", "/a/b")
    ]
    names = [answer.headers["set-cookie"].partition("=")[0] for answer in answers]
    assert len(set(names)) == 3


@pytest.mark.parametrize("header", ["X-Forwarded-Prefix", "X-Script-Name", "X-Forwarded-Host"])
def test_a_header_that_anybody_can_send_changes_no_address(client: TestClient, header: str) -> None:
    assert "evil" not in str(client.get("/openapi.json", headers={header: "/evil"}).json().get("servers", ""))
    assert "evil" not in client.post(RUNS, json={}, headers={header: "/evil"}).headers["location"]


def test_without_a_prefix_nothing_is_said_of_one(store: Store, settings: ServerSettings) -> None:
    document = TestClient(assemble(store, settings), base_url=BASE).get("/")
    assert "data-root" not in document.text
    assert dash_prefix(document.text) == "/"


@pytest.mark.parametrize(
    ("shown", "known"),
    [
        (PREFIX, "/"),
        (f"{PREFIX}/", "/"),
        (f"{PREFIX}/runs/a%2Fb", "/runs/a%2Fb"),
        ("/user/ana%40uni/proxy/8300/new", "/new"),
        (f"{PREFIX}0/new", f"{PREFIX}0/new"),
        ("/new", "/new"),
    ],
)
def test_pages_know_addresses_without_the_prefix(shown: str, known: str) -> None:
    assert Root(PREFIX).within(shown) == known


def test_an_origin_that_is_refused_is_answered_and_logged_once_with_the_remedy(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="server")
    headers = {"origin": "https://hub.example:8443"}
    for _ in range(3):
        answer = client.post(RUNS, json={}, headers=headers)
    assert answer.status_code == 403
    assert "NEQ_ALLOWED_HOSTS=hub.example" in answer.json()["detail"]
    assert "NEQ_ALLOWED_HOSTS=hub.example" in client.post("/api/v1/live", headers=headers).json()["detail"]
    assert caplog.text.count("NEQ_ALLOWED_HOSTS=hub.example") == 1


def test_a_host_that_is_refused_is_answered_and_logged_with_the_remedy(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="server")
    answer = client.get(RUNS, headers={"host": "hub.example"})
    assert "NEQ_ALLOWED_HOSTS=hub.example" in answer.json()["detail"]
    assert "NEQ_ALLOWED_HOSTS=hub.example" in caplog.text


@pytest.mark.parametrize("made_up", ["a b", "x\r\ny", "a'b", "a" * 300, "é.example", "NEQ_TOKEN=x y"])
def test_made_up_names_fill_neither_answer_nor_log(
    client: TestClient, caplog: pytest.LogCaptureFixture, made_up: str
) -> None:
    caplog.set_level(logging.WARNING, logger="server")
    for number in range(40):
        origin = f"http://{made_up}{number}".encode()
        answer = client.post(RUNS, json={}, headers={"origin": origin, "host": "127.0.0.1:8000"})
        assert answer.status_code == 403
        assert len(answer.text) < 600
    assert len(caplog.records) <= 40
    assert "\r" not in caplog.text


@pytest.mark.parametrize("typed", ["%3Flimit%3D1", "%23", "a%3Fb", "..", "%2e%2e"])
def test_what_an_address_names_as_a_run_is_asked_for_as_one(store: Store, settings: ServerSettings, typed: str) -> None:
    answer = TestClient(assemble(store, settings), base_url=BASE).get(f"/runs/{typed}")
    assert answer.status_code == 404 or answer.url.path == "/"  # a client takes dots out before it asks


def test_a_page_may_ask_whether_its_socket_would_open(client: TestClient) -> None:
    assert client.post("/api/v1/live", headers={"origin": BASE}).status_code == 204
