"""gzip where it pays: for scripts and styles once and for everybody, for other text when it goes to another machine."""

import asyncio
import gzip
import zlib
from typing import ClassVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.settings import is_loopback

BYTES = ("application/octet-stream", "application/x-npy", "application/zip")
TEXTS = ("text/javascript", "application/javascript", "text/css")
SMALLEST = 1024
MOST_KEPT_BYTES = 32_000_000

_Key = tuple[str, int, int]


class RemoteGzip:
    """ASGI layer: compresses answers to other machines. Between programs on one, it costs more than it saves."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        excluded = (*DEFAULT_EXCLUDED_CONTENT_TYPES, *BYTES)
        self._gzip = GZipMiddleware(app, SMALLEST, compresslevel=5, exclude_content_types=excluded)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, compressed where it pays."""
        client = scope.get("client")
        far = scope["type"] == "http" and client is not None and not is_loopback(client[0])
        await (self._gzip if far else self._plain)(scope, receive, send)


class ScriptGzip:
    """ASGI layer: compresses scripts and styles once in a process, whichever of its applications sends them.

    Eight megabytes of them make a page, two when compressed. A file is known by its address, size and CRC.
    """

    _kept: ClassVar[dict[_Key, bytes]] = {}

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; scripts and styles compressed, to whoever takes them so."""
        takes = scope["type"] == "http" and scope["method"] == "GET"
        if takes and "gzip" in Headers(scope=scope).get("accept-encoding", ""):
            send = _Packer(self._kept, scope, send).send
        await self._app(scope, receive, send)


class _Packer:
    """One answer on its way."""

    def __init__(self, kept: dict[_Key, bytes], scope: Scope, send: Send) -> None:
        self._kept, self._scope, self._send = kept, scope, send
        self._start: Message | None = None
        self._body: list[bytes] = []

    async def send(self, message: Message) -> None:
        """Hold back what is to be packed until it is whole; hand everything else on."""
        if message["type"] == "http.response.start" and _packable(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        headers = MutableHeaders(raw=start["headers"])
        body = b"".join(self._body)
        if len(body) >= SMALLEST:
            key = (self._scope["path"], len(body), zlib.crc32(body))
            body = self._kept.get(key) or await self._pack(key, body)
            headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(len(body))
            if "etag" in headers and not headers["etag"].startswith("W/"):
                headers["ETag"] = f"W/{headers['etag']}"
        headers.add_vary_header("Accept-Encoding")
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    async def _pack(self, key: _Key, body: bytes) -> bytes:
        packed = await asyncio.to_thread(gzip.compress, body, 9)
        if sum(map(len, self._kept.values())) + len(packed) <= MOST_KEPT_BYTES:
            self._kept[key] = packed
        return packed


def _packable(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    kind = headers.get("content-type", "").partition(";")[0]
    return start["status"] == 200 and kind in TEXTS and "content-encoding" not in headers
