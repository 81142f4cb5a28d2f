"""The token: when one is needed, and what proves that somebody has it."""

import hmac
import secrets
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.responses import Response

from server.settings import ServerSettings

COOKIE_SECONDS = 30 * 24 * 3600


class OpenAddressRefused(Exception):
    """The address can be reached from other machines, and no token is set."""


def make_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


def refuse_open_address(settings: ServerSettings) -> None:
    """Refuse to listen on an address that other machines can reach without asking for a token.

    Raises:
        OpenAddressRefused: with what to set, as a sentence for the person at the command line.
    """
    if settings.token is None and not settings.is_local:
        raise OpenAddressRefused(
            f"{settings.host} can be reached from other machines, so a token is needed: set NEQ_TOKEN to a secret of "
            "your own (it is then asked for by every page and route), or listen on 127.0.0.1"
        )


class TokenAuth:
    """Knows the token, and what proves that somebody has it."""

    def __init__(self, token: str, root: str = "") -> None:
        """Args: root: the path prefix of all our addresses, to which the cookie is bound."""
        self.root = root
        self._token = token.encode()
        self._digest = hmac.new(self._token, b"neq session 1", sha256).hexdigest().encode()

    def is_token(self, word: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(word.encode(), self._token)

    def lets_in(self, headers: Headers) -> bool:
        """Whether a request brings the token, or the cookie that stands for it."""
        scheme, _, word = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(word.strip()):
            return True
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(cookie_name(headers, self.root))
        except CookieError:
            return False
        return cookie is not None and hmac.compare_digest(cookie.value.encode(), self._digest)

    def hand_out(self, response: Response, headers: Headers, scheme: str) -> Response:
        """Put the cookie into an answer."""
        response.set_cookie(
            cookie_name(headers, self.root),
            self._digest.decode(),
            max_age=COOKIE_SECONDS,
            path=self.root or "/",
            httponly=True,
            samesite="strict",
            secure=scheme == "https",
        )
        return response


def cookie_name(headers: Headers, root: str = "") -> str:
    """The cookie's name, with port and path prefix in it: cookies are shared by all servers of a host."""
    _, _, port = headers.get("host", "").rpartition(":")
    name = f"neq_session_{port}" if port.isdigit() else "neq_session"
    return f"{name}_{sha256(root.encode()).hexdigest()[:8]}" if root else name
