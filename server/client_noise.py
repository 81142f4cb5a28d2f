"""uvicorn's lines about clients that are refused or send nonsense: each kind is logged once, then counted.

Whoever reaches the port can cause them as often as they like. What they were told stands in their answer, and refused
names are logged with the remedy by `server.security.refused_names`; a line for each of them would only fill the disk.
"""

import logging
import time
from collections.abc import Callable

CAUSED_BY_CLIENTS = {
    "ASGI callable returned without completing handshake.": "a WebSocket was not accepted",
    "Invalid HTTP request received.": "a request was not HTTP",
    "Unsupported upgrade request.": "a request asked for another protocol",
    "Invalid UTF-8 sequence received from client.": "a WebSocket sent text that is not UTF-8, and was closed",
}
"""uvicorn's words, and what is logged in their place."""
PAUSE_SECONDS = 60.0
"""Between two lines of one kind."""


class ClientNoise(logging.Filter):
    """Lets one line of each kind pass a minute, with the number of those that were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._logged_at: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is logged; one that a client caused has neither a trace nor uvicorn's words any more."""
        words = CAUSED_BY_CLIENTS.get(str(record.msg))
        if words is None:
            return True
        now, last = self._clock(), self._logged_at.get(words)
        if last is not None and now < last + PAUSE_SECONDS:
            self._left_out[words] = self._left_out.get(words, 0) + 1
            return False
        left_out = self._left_out.pop(words, 0)
        self._logged_at[words] = now
        record.msg = f"{words} ({left_out} more since the last line)" if left_out else words
        record.args = record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


_noise = ClientNoise()


def quieten() -> None:
    """Put the filter before uvicorn's lines; calling it again changes nothing."""
    logging.getLogger("uvicorn.error").addFilter(_noise)
