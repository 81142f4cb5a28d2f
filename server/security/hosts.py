"""Which host names, and which origins, are this server's own."""

import socket
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from server.settings import ServerSettings, is_loopback


class Hosts:
    """The host names that this server answers to."""

    def __init__(self, settings: ServerSettings) -> None:
        self.extra = frozenset(settings.allowed_hosts)
        self._names = {"127.0.0.1", "localhost", "::1", settings.host.lower().strip("[]"), *self.extra}
        # Reached from anywhere: any address may be ours. An address, unlike a name, cannot be made to point elsewhere.
        self._any_address = not is_loopback(settings.host)
        if self._any_address:
            self._names.add(socket.gethostname().lower())

    def allow(self, host: str) -> bool:
        """Whether a Host header names this server; its port does not matter."""
        name = _host_name(host)
        if name is None:
            return False
        return name in self._names or (self._any_address and _is_address(name))

    def allow_origin(self, origin: str, host: str) -> bool:
        """Whether an Origin header is that of our own pages: the very host and port that were asked."""
        parts = split_address(origin)
        if parts is None or parts.scheme not in ("http", "https"):
            return False
        return parts.netloc.lower() == host.lower() or (parts.hostname or "") in self.extra


def split_address(text: str) -> SplitResult | None:
    """The parts of an address that somebody sent, its port included; None where it is malformed."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _host_name(host: str) -> str | None:
    parts = split_address(f"//{host}")
    return parts.hostname if parts is not None and parts.netloc == host and "@" not in host else None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
