"""The security layer around everything: who may speak to this server, and what its pages may load.

One ASGI layer around API, pages and the socket. A foreign Host header is refused (a page elsewhere cannot reach us by
pointing its own name at 127.0.0.1), so is a foreign Origin where something could change or be listened to. With a
token set, every request brings it as a cookie or as `Authorization: Bearer`; a person gets the cookie from the printed
link or the login page. The cookie holds a keyed digest, never the token.
"""

import logging
import re
import secrets
from urllib.parse import parse_qsl, urlencode

from starlette._utils import get_route_path
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.parts import LARGEST_PART
from server.errors import failure
from server.security.hosts import Hosts
from server.security.login_page import answer_login, login_page, pass_page
from server.security.refused_names import RefusedNames
from server.security.tokens import TokenAuth
from server.settings import ServerSettings

log = logging.getLogger("server")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NOT_LET_IN = "This server asks for a token: send it as the header 'Authorization: Bearer TOKEN'"
OPEN_TO_PROBES = frozenset({"/livez", "/readyz"})
"""What a supervisor asks without a token, under whatever name it knows this machine by. They tell no addresses."""
PARTS = re.compile("/api/v1/runs/[a-z0-9]{1,40}/parts")
LONGEST_LENGTH = 18
"""Digits of a Content-Length that are read; a longer one is larger than any limit."""


CONTENT_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors {ancestors}"
)
"""The Content-Security-Policy of every answer: nothing from other hosts, and no inline script."""


class SecurityMiddleware:
    """ASGI layer: checks Host, Origin, token and body size; adds the security headers and a request id."""

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._hosts = Hosts(settings)
        self._refused_names = RefusedNames()
        self._auth = TokenAuth(settings.token.get_secret_value(), settings.root_path) if settings.token else None
        self._largest_body = settings.largest_body_bytes
        self._largest_headers = settings.largest_headers_bytes
        self._content_policy = CONTENT_POLICY.format(ancestors=" ".join(settings.frame_ancestors) or "'none'")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = self._wrong_host(headers)
        if refusal is None and self._auth is not None and not self._auth.lets_in(headers):
            refusal = 401, NOT_LET_IN
        refusal = refusal or self._wrong_origin(headers)
        if refusal is None:
            await self._app(scope, receive, send)
        elif "websocket.http.response" in scope.get("extensions", {}):
            await JSONResponse({"detail": refusal[1]}, refusal[0])(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before the handshake: answered with 403

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = secrets.token_hex(6)
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if message["status"] >= 500:
                    _log_failure(scope, request_id, message["status"])
                self._add_headers(MutableHeaders(scope=message), request_id)
            await send(message)

        try:
            answer = await self._answer(scope, receive)
            app = self._app if answer is None else answer
            await app(scope, self._bounded(receive, self._most(scope)), send_with_headers)
        except HTTPException as error:
            await _refuse(scope, error.status_code, error.detail)(scope, receive, send_with_headers)
        except Exception:
            # The one place where an unforeseen error is logged; the path only, for a query may hold a token.
            log.exception("request %s failed: %s %s", request_id, scope["method"], scope["path"])
            scope["state"]["logged"] = True
            if not started:
                await failure(request_id)(scope, receive, send_with_headers)

    def _add_headers(self, headers: MutableHeaders, request_id: str) -> None:
        headers["X-Request-ID"] = request_id
        headers["X-Content-Type-Options"] = "nosniff"
        # Not no-referrer: browsers then send our own login form with "Origin: null".
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers.setdefault("Content-Security-Policy", self._content_policy)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """The answer to a request that may not pass, or that is about the token itself; None lets it pass."""
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._largest_headers:
            return _refuse(scope, 431, f"The headers are larger than {self._largest_headers:,} bytes")
        if scope["method"] in ("GET", "HEAD") and get_route_path(scope) in OPEN_TO_PROBES:
            return None
        headers = Headers(scope=scope)
        refusal = self._wrong_host(headers)
        if refusal is not None:
            return _refuse(scope, *refusal)
        request = Request(scope, self._bounded(receive, self._most(scope)))
        signs_in = self._auth is not None and request.method == "POST" and request.url.path == "/login"
        if self._auth is not None and not signs_in and (answer := self._ask(self._auth, request)) is not None:
            return answer
        refusal = None if scope["method"] in SAFE_METHODS else self._wrong_origin(headers)
        refusal = refusal or self._wrong_length(headers, self._most(scope))
        if refusal is not None:
            return _refuse(scope, *refusal)
        return await answer_login(self._auth, request) if self._auth is not None and signs_in else None

    def _wrong_host(self, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self._hosts.allow(host):
            return None
        return 400, self._refused_names.host(host)

    def _wrong_origin(self, headers: Headers) -> tuple[int, str] | None:
        origin = headers.get("origin")
        if origin is None or self._hosts.allow_origin(origin, headers.get("host", "")):
            return None
        return 403, self._refused_names.origin(origin, headers.get("host", ""))

    def _most(self, scope: Scope) -> int:
        """Bytes of a body: a part of a run may be larger than anything else."""
        return LARGEST_PART if PARTS.fullmatch(get_route_path(scope)) else self._largest_body

    def _wrong_length(self, headers: Headers, most: int) -> tuple[int, str] | None:
        told = headers.get("content-length", "0")
        if not (told.isascii() and told.isdigit()):
            return 400, "Content-Length must be a number of bytes"
        if len(told) > LONGEST_LENGTH or int(told) > most:
            return 413, _too_large(most)
        return None

    def _ask(self, auth: TokenAuth, request: Request) -> Response | None:
        offered = request.query_params.get("token")
        if request.method in ("GET", "HEAD") and offered is not None:
            if auth.is_token(offered):
                return auth.hand_out(_without_token(request, auth.root), request.headers, request.url.scheme)
            return _unknown(request, auth.root, "This is not the token of this server.")
        return None if auth.lets_in(request.headers) else _unknown(request, auth.root, "")

    def _bounded(self, receive: Receive, most: int) -> Receive:
        taken = 0

        async def receive_bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413, _too_large(most))
            return message

        return receive_bounded


def _log_failure(scope: Scope, request_id: str, status: int) -> None:
    """Log an answer of 500 and above, once, with its cause where the one who gave it left that in the state."""
    if not scope["state"].get("logged"):
        cause = scope["state"].get("cause") or "no cause was given"
        log.warning("request %s answered %d: %s %s: %s", request_id, status, scope["method"], scope["path"], cause)


def _too_large(most: int) -> str:
    return f"The body is larger than {most:,} bytes"


def _is_api(scope: Scope) -> bool:
    return bool(scope["path"].startswith("/api/"))


def _refuse(scope: Scope, status: int, message: str) -> Response:
    return JSONResponse({"detail": message}, status) if _is_api(scope) else PlainTextResponse(message, status)


def _without_token(request: Request, root: str) -> Response:
    """Lead to the same address without the token, so that it stays out of history, bookmarks and screenshots."""
    target = root + _clean_address(request)
    if request.headers.get("sec-fetch-site") == "cross-site":
        return pass_page(target)  # a redirect would still count as another site's request, and bring no strict cookie
    return RedirectResponse(target, 303)


def _clean_address(request: Request) -> str:
    query = [(key, value) for key, value in parse_qsl(request.url.query, keep_blank_values=True) if key != "token"]
    path = "/" + request.url.path.lstrip("/\\")  # "//elsewhere" would be another host
    return path + ("?" + urlencode(query) if query else "")


def _unknown(request: Request, root: str, message: str) -> Response:
    wants_page = "text/html" in request.headers.get("accept", "") and not _is_api(request.scope)
    if wants_page:
        return login_page(root, _clean_address(request), message)
    return JSONResponse({"detail": message or NOT_LET_IN}, 401, {"WWW-Authenticate": 'Bearer realm="neq"'})
