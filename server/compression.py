"""gzip for those who are far away: text of other machines' requests, never bytes, never on this machine."""

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from server.settings import is_loopback

BYTES = ("application/octet-stream", "application/x-npy", "application/zip")


class RemoteGzip:
    """ASGI layer: compresses answers to other machines. Between programs on one, it costs more than it saves."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        excluded = (*DEFAULT_EXCLUDED_CONTENT_TYPES, *BYTES)
        self._gzip = GZipMiddleware(app, 1024, compresslevel=5, exclude_content_types=excluded)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, compressed where it pays."""
        client = scope.get("client")
        far = scope["type"] == "http" and client is not None and not is_loopback(client[0])
        await (self._gzip if far else self._plain)(scope, receive, send)
