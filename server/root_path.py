"""Answering below a path prefix, as behind JupyterHub, code-server or an ingress.

Inside the application every address begins at the root, whatever the prefix is: this layer takes the prefix off a
request's path where a proxy left it on. What goes out again (links, redirects, the cookie's path) is given the prefix
by whoever writes it, from `ServerSettings.root_path`. ASGI's own `root_path` is left empty: Starlette's mounts expect
it to be in the path as well, and Dash's routes expect it not to be.
"""

import re
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

OUR_OWN = frozenset(
    {"api", "assets", "compare", "docs", "livez", "login", "new", "openapi.json", "readyz", "redoc", "runs", "scripts"}
)
"""First parts of our own addresses. Under a prefix that began with one of them, an address could mean two things."""
_SEGMENT = re.compile(r"[\w.~!$&()*+,;=:@ -]+")


def read_root_path(text: str) -> str:
    """A prefix as it stands in addresses: percent-encoded, with a slash in front and none behind; empty for none.

    Raises:
        ValueError: it is no path, or begins as one of our own addresses; the message says what to write.
    """
    segments = [unquote(segment) for segment in text.strip().strip("/").split("/")]
    if segments == [""]:
        return ""
    if any(segment in (".", "..") or not _SEGMENT.fullmatch(segment) for segment in segments):
        raise ValueError(
            f"{text[:200]!r} is not a path prefix: write the path alone, such as /user/ana/proxy/8000, without host "
            "and query"
        )
    if segments[0] in OUR_OWN or segments[0].startswith("_dash"):
        raise ValueError(f"/{segments[0]} is an address of this server itself: choose another prefix, such as /neq")
    return "".join("/" + quote(segment, safe="~!$&()*+,;=:@") for segment in segments)


class BelowRootPath:
    """ASGI layer: takes the prefix off the paths of requests that still have it; others pass as they are."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        """Args: root_path: as `read_root_path` gives it."""
        self._app = app
        self._plain = unquote(root_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, with its path from the root on."""
        path = scope.get("path", "")
        if self._plain and (path == self._plain or path.startswith(f"{self._plain}/")):
            inner = path.removeprefix(self._plain) or "/"
            scope = {**scope, "path": inner, "raw_path": quote(inner, safe="/:@!$&'()*+,;=~").encode()}
        await self._app(scope, receive, send)
