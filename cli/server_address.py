"""Where the commands find the server, from NEQ_URL as people write it."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

from cli.settings import ClientSettings
from server.settings import is_loopback


class AddressWrong(Exception):
    """NEQ_URL cannot be used; the message says what to write, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server, and what proves that we may speak to it.

    Attributes:
        url: without user, password, token and slash at the end, fit to be shown.
        is_here: it is on this machine, so that no proxy of the environment stands between.
    """

    url: str
    is_here: bool
    token: str | None = field(default=None, repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)

    @classmethod
    def read(cls, settings: ClientSettings) -> "ServerAddress":
        """The address of the settings; the link that `neq up` prints, token included, is one too.

        Raises:
            AddressWrong: it is no http address, or holds a password beside the token.
        """
        try:
            parts = urlsplit(settings.url.strip())
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise AddressWrong("NEQ_URL: write a whole address, such as http://127.0.0.1:8000 or https://host/prefix")
        named = settings.token.get_secret_value() if settings.token else None
        token = named or parse_qs(parts.query).get("token", [None])[0]
        login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        if login and token:
            raise AddressWrong(
                "NEQ_URL: it contains a user, and a token is set too (NEQ_TOKEN); a request can carry only one of "
                "them, so remove one"
            )
        shown = f"[{host}]" if ":" in host else host
        place = shown if port is None else f"{shown}:{port}"
        return cls(f"{parts.scheme}://{place}{parts.path.rstrip('/')}", _is_here(host), token, login)


def _is_here(host: str) -> bool:
    try:
        unspecified = ip_address(host).is_unspecified
    except ValueError:
        unspecified = False
    return unspecified or is_loopback(host)
