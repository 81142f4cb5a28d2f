"""Where a run is recorded to: what `neq.init` was given, else the environment, else the defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import parse_qs, urlsplit

Mode = Literal["online", "offline", "disabled"]
DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_FOLDER = "neq-runs"
_NO = ("0", "false", "no", "off")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a run is recorded.

    Attributes:
        url: the server's address, without a slash at the end.
        token: what the server may ask for; None: nothing.
        mode: `online` sends while it trains, `offline` only writes the folder, `disabled` does neither.
        folder: in which each run has a folder of parts that are not sent yet.
        capture: whether what is printed goes into the run's log.
        system: whether processor, memory and GPU are recorded every few seconds.
        tensorboard: in which each run has a folder of event files; None: there is no mirror.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    mode: Mode = "online"
    folder: Path = Path(DEFAULT_FOLDER)
    capture: bool = True
    system: bool = True
    tensorboard: Path | None = None

    @property
    def is_here(self) -> bool:
        """Whether the server is on this machine, so that no proxy of the environment stands between."""
        host = urlsplit(self.url).hostname or ""
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False

    @classmethod
    def read(
        cls,
        *,
        url: str | None = None,
        token: str | None = None,
        mode: str | None = None,
        folder: str | os.PathLike[str] | None = None,
        capture: bool | None = None,
        system: bool | None = None,
        tensorboard: str | os.PathLike[str] | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> "Settings":
        """What was given (not None) goes before NEQ_URL, NEQ_TOKEN, NEQ_MODE, NEQ_DIR, NEQ_CAPTURE and so on.

        Raises:
            TypeError: an argument is of another kind.
            ValueError: the mode is unknown, or the address or the token cannot be used.
        """
        address, link_token = _address(_text("url", url, environment.get("NEQ_URL") or DEFAULT_URL))
        given = token if token is not None else environment.get("NEQ_TOKEN") or link_token
        chosen = _text("mode", mode, environment.get("NEQ_MODE") or "online")
        if chosen not in get_args(Mode):
            raise ValueError(f"mode (or NEQ_MODE) is {chosen!r}; choose online, offline or disabled")
        place = folder if folder is not None else environment.get("NEQ_DIR") or DEFAULT_FOLDER
        mirror = tensorboard if tensorboard is not None else environment.get("NEQ_TENSORBOARD") or None
        return cls(
            url=address,
            token=_checked_token(given),
            mode=chosen,  # type: ignore[arg-type]
            folder=Path(place).expanduser().absolute(),
            capture=_switch(capture, environment.get("NEQ_CAPTURE")),
            system=_switch(system, environment.get("NEQ_SYSTEM")),
            tensorboard=None if mirror is None else Path(mirror).expanduser().absolute(),
        )


def _text(name: str, given: object, otherwise: str) -> str:
    if given is None:
        return otherwise
    if not isinstance(given, str):
        raise TypeError(f"{name} is a {type(given).__name__}; give a text")
    return given


def _switch(given: bool | None, environment: str | None) -> bool:
    if given is not None:
        return bool(given)
    return (environment or "").strip().lower() not in _NO


def _address(url: str) -> tuple[str, str | None]:
    """The address, and the token where it is the link that `neq up` prints."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError(
            "url (or NEQ_URL) must be a whole address, such as http://127.0.0.1:8000 or https://host/prefix"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", parse_qs(parts.query).get("token", [None])[0]


def _checked_token(token: object) -> str | None:
    if token is not None and not isinstance(token, str):
        raise TypeError(f"token is a {type(token).__name__}; give a text")
    if token and not (token.isascii() and token.isprintable()):
        raise ValueError("token (or NEQ_TOKEN) is not a valid token: tokens are printable ASCII")
    return token or None
