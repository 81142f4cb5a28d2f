"""What is said of a request that names this server, or the page it comes from, in a way that is not ours.

Most of these come from a proxy that somebody has put in front, so the remedy is in the answer, and once for every name
in the log, where the person who can set it looks.
"""

import logging
from urllib.parse import urlsplit

log = logging.getLogger("server")

MOST_LOGGED = 20
"""Names a process logs: whoever is refused may go on making them up."""
LONGEST_NAME = 100


class RefusedNames:
    """Words for what is refused; each name is logged once."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def host(self, host: str) -> str:
        """The refusal of a Host header."""
        return self._said(
            f"This server does not answer to the name {host[:LONGEST_NAME]!r}{_remedy(f'//{host}', 'If it is yours')}"
        )

    def origin(self, origin: str, host: str) -> str:
        """The refusal of a page's request, by its Origin header."""
        return self._said(
            f"Pages of {origin[:LONGEST_NAME]} may not do this at {host[:LONGEST_NAME]}; only this server's own may"
            f"{_remedy(origin, 'If a proxy shows them there')}"
        )

    def _said(self, message: str) -> str:
        if message not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(message)
            log.warning("refused a request: %s", ascii(message)[1:-1])
        return message


def _remedy(address: str, condition: str) -> str:
    try:
        name = urlsplit(address).hostname or ""
    except ValueError:
        name = ""
    plain = name.isascii() and name and len(name) <= LONGEST_NAME and not set(name) & set(" '\"<>,;\\")
    return f". {condition}, start it with NEQ_ALLOWED_HOSTS={name}" if plain else ""
