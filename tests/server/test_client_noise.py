"""What clients can make uvicorn log, as often as they like: one line of each kind, and a count."""

import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.websockets import websockets_sansio_impl

from server.client_noise import CAUSED_BY_CLIENTS, PAUSE_SECONDS, ClientNoise
from server.settings import ServerSettings
from tests.server.serving import serving

pytestmark = pytest.mark.slow

UPGRADE = (
    b"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
NOT_UTF8 = b"\x81\x82\x00\x00\x00\x00\xff\xfe"
"""A text frame with two bytes that are none."""


def send(address: str, *pieces: bytes) -> bytes:
    """What a connection answers last, before it is closed from there or is silent."""
    host, port = address.removeprefix("http://").split(":")
    answered = b""
    with closing(socket.create_connection((host, int(port)), timeout=20)) as connection:
        for piece in pieces:
            connection.sendall(piece)
            answered = connection.recv(65_536)
    return answered


@pytest.fixture
def uvicorns(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[logging.Logger]:
    """uvicorn's logger, with nothing counted yet; a test adds caplog's handler once uvicorn has set it up."""
    logger = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(logger, "filters", [])
    monkeypatch.setattr("server.client_noise._noise", ClientNoise())
    yield logger
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ((UPGRADE + b"Origin: http://evil.example\r\n\r\n",), "a WebSocket was not accepted"),
        ((UPGRADE + b"\r\n", NOT_UTF8), "a WebSocket sent text that is not UTF-8, and was closed"),
        ((b"\x16\x03\x01\x02\x00 rubbish\r\n\r\n",), "a request was not HTTP"),
        (
            (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",),
            "a request asked for another protocol",
        ),
    ],
)
def test_what_clients_do_wrong_is_one_line_without_a_trace(
    app: FastAPI,
    settings: ServerSettings,
    caplog: pytest.LogCaptureFixture,
    uvicorns: logging.Logger,
    pieces: tuple[bytes, ...],
    words: str,
) -> None:
    with serving(app, settings) as address:
        uvicorns.addHandler(caplog.handler)
        for _ in range(20):
            assert send(address, *pieces)
        assert httpx.get(f"{address}/livez").status_code == 200
    said = [each for each in caplog.records if each.name.startswith(("uvicorn", "asyncio"))]
    assert [each.getMessage() for each in said] == [words]
    assert said[0].exc_info is None and said[0].levelname == "WARNING"


def test_lines_that_were_left_out_are_counted_in_the_next_one_a_minute_later() -> None:
    now = 1_000.0
    noise = ClientNoise(lambda: now)
    theirs = next(iter(CAUSED_BY_CLIENTS))

    def log(text: str) -> str | None:
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, text, None, None)
        return record.getMessage() if noise.filter(record) else None

    words = CAUSED_BY_CLIENTS[theirs]
    assert [log(theirs), log(theirs), log(theirs)] == [words, None, None]
    assert log("Something else failed") == log("Something else failed") == "Something else failed"
    now += PAUSE_SECONDS
    assert log(theirs) == f"{words} (2 more since the last line)"
    now += PAUSE_SECONDS
    assert log(theirs) == words


def test_uvicorn_still_says_these_words() -> None:
    """What is looked for is what this version writes, so that an update that changes it is seen."""
    written = "".join(Path(each.__file__).read_text() for each in (httptools_impl, websockets_sansio_impl))
    assert all(words in written for words in CAUSED_BY_CLIENTS)
