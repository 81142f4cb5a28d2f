"""How many connections there may be, how long and how large a request's head may be, and how slow its body.

uvicorn bounds neither the time that a request takes to arrive nor, with its quicker parser, the size of its head. A
connection that announces nothing, or that trickles, is closed here; one too many is told so and closed.
"""

import asyncio

from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.server import ServerState

from server.settings import ServerSettings

_FULL = b"Too many connections are open on this server: close pages of it, or raise NEQ_MOST_CONNECTIONS\n"
_LARGE = b"The request's headers are too large; NEQ_LARGEST_HEADERS_BYTES says how large they may be\n"
_SLOW = b"The request's body came too slowly; NEQ_HEADER_SECONDS says how long a short one may take\n"
_LINES = {
    408: b"408 Request Timeout",
    431: b"431 Request Header Fields Too Large",
    503: b"503 Service Unavailable",
}
SLOWEST_BYTES_PER_SECOND = 1_000
"""On average, of a body that takes longer than a head may."""


def bounded_protocol(settings: ServerSettings) -> type[asyncio.Protocol]:
    """uvicorn's protocol with the limits of these settings, for `uvicorn.Config(http=…)`."""
    return type("Bounded", (_Bounded,), {"settings": settings})


class _Bounded(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """One connection; a new one, or an idle one that has begun to speak, has so long for its head, and its body too."""

    settings: ServerSettings
    connections: set[asyncio.Protocol]
    server_state: ServerState

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._head_bytes = self._body_bytes = 0
        self._body_since = 0.0
        self._deadline: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        if len(self.connections) > self.settings.most_connections:
            self._refuse(503, _FULL)
        else:
            self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        if before is None or before.response_complete:
            self._head_bytes += len(data)
            self._wait_for_head()
        else:
            self._body_bytes += len(data)
        super().data_received(data)
        if self.cycle is not before:  # a whole head has arrived
            self._head_bytes = 0
            self._stop_waiting()
            self._wait_for_body()
        elif self._head_bytes > self.settings.largest_headers_bytes and self in self.connections:
            self._refuse(431, _LARGE)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.settings.header_seconds, self._too_slow)

    def _wait_for_body(self) -> None:
        self._body_bytes, self._body_since = 0, self.loop.time()
        if self.cycle.more_body:
            self._deadline = self.loop.call_later(self.settings.header_seconds, self._look_at_body)

    def _look_at_body(self) -> None:
        self._deadline = None
        if self not in self.connections or not self.cycle.more_body:
            return
        owed = SLOWEST_BYTES_PER_SECOND * (self.loop.time() - self._body_since)
        if self._body_bytes >= owed or self.flow.read_paused:  # paused: it is the server that is slow
            self._deadline = self.loop.call_later(self.settings.header_seconds, self._look_at_body)
        elif self.cycle.response_started:
            self.transport.close()
        else:
            self._refuse(408, _SLOW)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self in self.connections:  # else it has become a WebSocket, or is gone
            self.transport.close()

    def _refuse(self, status: int, words: bytes) -> None:
        head = (
            b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        )
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.write(head % (_LINES[status], len(words)) + words)
            self.transport.close()
