"""Whatever somebody sends, the answer is 4xx with a sentence; what is our fault is logged with its cause."""

import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.testclient import WebSocketDenialResponse

from cli.assemble import assemble
from db import Store
from server.app import create_app
from server.settings import ServerSettings
from tests.server.conftest import BASE
from tests.server.recording import Recording
from tests.server.serving import serving

pytestmark = pytest.mark.slow

RUNS = "/api/v1/runs"
UPDATE = "/_dash-update-component"
PATHS = ["/", "/api/v1/health", RUNS, "/docs", "/scripts/ui/dom.js", "/_dash-layout"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The whole application, pages included, on a store with one run."""
    url = f"sqlite:///{tmp_path_factory.mktemp('whole') / 'neq.db'}"
    store = Store.open(url)
    recording = Recording(store)
    recording.start()
    recording.epoch()
    app = assemble(store, ServerSettings(database_url=url))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False, follow_redirects=False) as client:
        client.headers["x-run"] = recording.id
        yield client
    store.close()


# ---------------------------------------------------------------- headers


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "http://a:b", "http://a:99999999", "\xff", "//["])
def test_a_malformed_origin_is_refused_as_a_foreign_one(whole: TestClient, origin: str) -> None:
    answer = whole.post(RUNS, json={}, headers={"origin": origin.encode("latin-1")})
    assert answer.status_code == 403
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        whole.websocket_connect("ws://127.0.0.1:8000/api/v1/live", headers={"origin": origin.encode("latin-1")}),  # type: ignore[dict-item]
    ):
        pass
    assert refused.value.status_code == 403


@pytest.mark.parametrize("length", ["-1", "²", "1e3", "abc", "0x10", "9" * 5000, "9" * 30, "1, 1"])
@pytest.mark.parametrize("path", PATHS)
def test_a_malformed_length_is_refused(whole: TestClient, path: str, length: str) -> None:
    request = whole.build_request("POST", path, content=b"")
    request.headers["content-length"] = length.encode("utf-8").decode("latin-1")
    assert whole.send(request).status_code in (400, 413)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", b"[::1"),
        ("host", b"127.0.0.1:abc"),
        ("host", b"127.0.0.1:99999999"),
        ("host", b"\xff"),
        ("cookie", b"\xff=\xff; ;;=="),
        ("cookie", b"neq_session_8000=" + b"x" * 9000),
        ("range", b"bytes=abc"),
        ("range", b"bytes=5-1"),
        ("range", b"bytes=-"),
        ("range", b"bytes=" + b"0-1," * 500),
        ("range", b"bytes=" + b"9" * 5000 + b"-"),
        ("if-none-match", b"\xff"),
        ("if-none-match", b'W/"'),
        ("if-modified-since", b"\xff"),
        ("accept-encoding", b"\xff;q=x"),
        ("content-type", b"\xff/\xff; charset=\xff"),
        ("authorization", b"Basic !!!"),
        ("authorization", b"Bearer \xff"),
        ("sec-websocket-version", b"\xff"),
    ],
)
def test_no_header_is_our_failure(whole: TestClient, path: str, name: str, value: bytes) -> None:
    assert whole.get(path, headers={name: value}).status_code < 500
    assert whole.post(path, headers={name: value}).status_code < 500


@pytest.mark.parametrize(
    "headers", [{"origin": "http://["}, {"content-length": "²"}, {"authorization": b"Bearer \xff"}]
)
def test_the_token_is_asked_before_anything_else_is_read(
    store: Store, settings: ServerSettings, headers: dict[str, Any]
) -> None:
    app = create_app(store, settings.model_copy(update={"token": SecretStr("open-sesame")}))
    request = TestClient(app, base_url=BASE).build_request("POST", RUNS, content=b"", headers={})
    for name, value in headers.items():
        request.headers[name] = value if isinstance(value, str) else value.decode("latin-1")
    assert TestClient(app, base_url=BASE).send(request).status_code == 401


@pytest.mark.parametrize(
    "line",
    [
        b"Sec-WebSocket-Key: short",
        b"Sec-WebSocket-Key: \xff\xff",
        b"Sec-WebSocket-Version: 99",
        b"Sec-WebSocket-Version: x",
        b"Sec-WebSocket-Extensions: ;;==\xff",
        b"Sec-WebSocket-Protocol: \xff,,",
    ],
)
def test_a_malformed_handshake_is_answered_with_4xx(
    app: FastAPI, settings: ServerSettings, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    usual = [b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", b"Sec-WebSocket-Version: 13"]
    lines = [each for each in usual if each.partition(b":")[0] != line.partition(b":")[0]] + [line]
    with serving(app, settings) as address, socket.create_connection(("127.0.0.1", int(address[-5:]))) as connection:
        head = [b"GET /api/v1/live HTTP/1.1", f"Host: {address[7:]}".encode(), b"Connection: Upgrade"]
        connection.sendall(b"\r\n".join([*head, b"Upgrade: websocket", *lines, b"", b""]))
        status = int(connection.recv(12).split()[1])
    assert status == 101 or 400 <= status < 500
    assert "Traceback" not in caplog.text


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    "body", [b"\xff\xfe{", b"\xff" * 300, b"{" * 5000, b"[" * 100_000, b"null", b"1", b'"\\ud800"']
)
@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/json; charset=utf-16",
        "\xff",
        "",
    ],
)
def test_a_body_that_is_no_json_object_is_refused_whatever_it_is_called(
    whole: TestClient, kind: str, body: bytes
) -> None:
    headers = {"content-type": kind.encode("latin-1")}
    run = f"{RUNS}/{whole.headers['x-run']}"
    for method, path in (("POST", RUNS), ("PATCH", run), ("POST", UPDATE)):
        answer = whole.request(method, path, content=body, headers=headers)
        assert 400 <= answer.status_code < 500, (method, path, answer.text)
        assert answer.json()["detail"]
    assert whole.post(f"{run}/fork", content=body, headers=headers).status_code < 500


# ---------------------------------------------------------------- numbers

NUMBERS = ["-1", str(2**31), str(2**63), str(2**64), "9" * 30, "9" * 5000, "٣", "²", "1e3", "NaN", "0x10", "", "1.5"]


@pytest.mark.parametrize("number", [str(2**63), "9" * 5000, "-1", "+1", "٣", "²", str(2**53 + 1), "1x"])
def test_a_cursor_that_is_none_is_refused_before_the_stream_begins(whole: TestClient, number: str) -> None:
    path = f"{RUNS}/{whole.headers['x-run']}/events"
    answer = whole.get(path, headers={"last-event-id": number.encode()})
    assert (answer.status_code, answer.json()["detail"][0]["field"]) == (422, "Last-Event-ID")
    if number != "+1":
        answer = whole.get(path, params={"after": number})
        assert (answer.status_code, answer.json()["detail"][0]["field"]) == (422, "after")


def operations(app: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of every operation that the API documents, but for endless streams."""
    found = app.openapi()["paths"].items()
    told = [(method, path, each) for path, methods in found for method, each in methods.items()]
    return [each for each in told if not each[1].endswith("/events")]


def address_of(path: str, run: str, **values: str) -> str:
    """The path with what stands in braces filled in."""
    usual = {"run_id": run, "index": "0", "number": "0", "field": "phi", "check_id": "0" * 64} | values
    return path.format_map(usual)


def test_every_number_of_every_address_has_bounds(whole: TestClient) -> None:
    numbers = []
    for method, path, operation in operations(whole.app):
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            for each in schema.get("anyOf", [schema]):
                if each.get("type") in ("integer", "number"):
                    numbers.append((method, path, parameter["name"]))
                    assert "minimum" in each and "maximum" in each, numbers[-1]
    assert len(numbers) >= 8


@pytest.mark.parametrize("value", NUMBERS)
def test_no_number_in_an_address_is_our_failure(whole: TestClient, value: str) -> None:
    run = whole.headers["x-run"]
    asked = 0
    for method, path, operation in operations(whole.app):
        for parameter in operation.get("parameters", ()):
            name, place = parameter["name"], parameter["in"]
            if method == "delete" or (place == "path" and not value):
                continue
            filled = address_of(path, run, **({name: httpx.QueryParams({"x": value})["x"]} if place == "path" else {}))
            query = {name: value} if place == "query" else {}
            headers = {name: value.encode()} if place == "header" else {}
            answer = whole.request(method, filled, params=query, headers=headers)
            assert answer.status_code < 500, (method, filled[:200], query)
            asked += 1
    assert asked > 20


WORDS = st.one_of(
    st.text(max_size=20), st.integers().map(str), st.sampled_from([":", "-1:", "0:1:2", "a,b", "\0", "%00"])
)
NAMES = st.sampled_from(["training", "data", "kind", "name"])
BODIES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=5,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(WORDS, min_size=1, max_size=4), body=BODIES)
def test_nothing_that_is_sent_to_a_documented_address_is_our_failure(
    whole: TestClient, words: list[str], body: object
) -> None:
    run = whole.headers["x-run"]
    for method, path, operation in operations(whole.app):
        if method == "delete":
            continue
        parameters = operation.get("parameters", ())
        query = {each["name"]: words[i % len(words)] for i, each in enumerate(parameters) if each["in"] == "query"}
        options = {"json": body} if method in ("post", "patch") and _fits_json(body) else {}
        answer = whole.request(method, address_of(path, run), params=query, **options)  # type: ignore[arg-type]
        assert answer.status_code < 500, (method, path, query, body)


def _fits_json(body: object) -> bool:
    try:
        httpx.Request("POST", "http://x", json=body).read()
    except ValueError:  # JSON has no infinity
        return False
    return True


# ---------------------------------------------------------------- pages and Dash's own routes


@pytest.mark.parametrize(
    "path",
    [
        "x/y.js",
        "os/path.py",
        "dash/",
        "",
        "dash/deps/none.js",
        "dash/%00.js",
        "dash/%2e%2e/%2e%2e/etc/passwd",
        "dash/../dash.py",
        "numpy/version.py",
    ],
)
def test_only_scripts_that_pages_use_are_served(whole: TestClient, path: str) -> None:
    assert whole.get(f"/_dash-component-suites/{path}").status_code == 404


def test_the_scripts_that_pages_use_are_served(whole: TestClient) -> None:
    named = re.findall(r'src="(/_dash-component-suites/[^"]+)"', whole.get("/").text)
    assert named
    assert {whole.get(each).status_code for each in named} == {200}


def asked(**changes: object) -> dict[str, Any]:
    """What a page sends to be drawn, with changes."""
    inputs = [{"id": "page-asked", "property": "data", "value": "/"}]
    outputs = [{"id": "page", "property": "children"}, {"id": "page-drawn", "property": "data"}]
    usual = {"output": "..page.children...page-drawn.data..", "outputs": outputs, "inputs": inputs}
    return usual | {"changedPropIds": ["page-asked.data"]} | changes


def test_a_page_that_asks_as_pages_do_is_drawn(whole: TestClient) -> None:
    answer = whole.post(UPDATE, json=asked())
    assert answer.status_code == 200
    assert answer.json()["response"]["page-drawn"]["data"]["path"] == "/"


@pytest.mark.parametrize(
    "changes",
    [
        {"output": 1},
        {"output": ["a"]},
        {"output": "nothing.children"},
        {"inputs": []},
        {"inputs": 1},
        {"inputs": None},
        {"inputs": [1, 2]},
        {"inputs": [{"id": "page-asked", "property": "data", "value": ""}] * 2},
        {"inputs": [{"id": "location", "property": "search", "value": ""}]},
        {"inputs": [{"id": {"a": []}, "property": "data"}]},
        {"inputs": [{"id": "page-asked", "property": "data", "value": 5}]},
        {"state": [1]},
        {"state": "x"},
        {"outputs": 7},
        {"outputs": [[]]},
        {"outputs": None},
        {"changedPropIds": 3},
        {"changedPropIds": [{}]},
    ],
)
def test_a_callback_that_no_page_asks_for_is_refused(whole: TestClient, changes: dict[str, Any]) -> None:
    answer = whole.post(UPDATE, json=asked(**changes))
    assert answer.status_code == 400
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "query", ["layer=" + "9" * 5000, "layer=²", "layer=-1", "layer=x", "fork=x&epoch=" + "9" * 5000]
)
@pytest.mark.parametrize("path", ["/", "/new", "/runs/x", "/compare", "/%00", "/%ff", "/runs/%ff%00"])
def test_no_address_of_a_page_is_our_failure(whole: TestClient, path: str, query: str) -> None:
    assert whole.get(f"{path}?{query}").status_code < 500
    inputs = [{"id": "page-asked", "property": "data", "value": f"{path}?{query}"}]
    assert whole.post(UPDATE, json=asked(inputs=inputs)).status_code == 200


# ---------------------------------------------------------------- what is our failure


def test_a_failure_inside_dash_is_logged_with_its_cause_and_told_by_its_number(
    store: Store, settings: ServerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    app = assemble(store, settings)

    @app.get("/_dash-broken")
    async def broken() -> None:
        raise RuntimeError("on purpose")

    app.router.routes.insert(0, app.router.routes.pop())
    answer = TestClient(app, base_url=BASE, raise_server_exceptions=False).get("/_dash-broken")
    assert answer.status_code == 500
    assert answer.json()["request_id"] in caplog.text
    assert "on purpose" in caplog.text
    assert len([each for each in caplog.records if each.name == "server"]) == 1


def test_an_answer_of_503_is_logged_with_its_cause(
    store: Store, settings: ServerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    client = TestClient(create_app(store, settings), base_url=BASE)
    store.close()  # what it still held aside is in the file now, and the next connection reads that anew
    with path.open("r+b") as file:
        file.write(b"no database at all" * 10)
    caplog.set_level(logging.INFO)
    answer = client.get(RUNS)
    assert answer.status_code == 503
    (record,) = [each for each in caplog.records if each.name == "server"]
    assert "503" in record.getMessage()
    assert "not a database" in record.getMessage()
