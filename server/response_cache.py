"""Encoded responses that are asked for again: by many viewers of one run, or by one who comes back.

Nothing here can be stale: a response lies under a name that holds the numbers of the events it was made of, and a
run never gives a number twice. What is asked for last stays longest; all of it together is bounded by its bytes.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import Response

from contract.version import VERSION

CACHE_BYTES = 64_000_000
FRESH = "private, no-cache"
"""Keep it, but ask each time whether it still holds: an epoch may be added, or a run resumes and trains it anew."""


class ResponseCache:
    """Bytes by name. Its methods may be called from any thread."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit = limit
        self._bytes = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._making: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, name: str, make: Callable[[], bytes]) -> bytes:
        """The bytes of this name; made by the first who asks, while others who ask for the same wait."""
        with self._lock:
            kept = self._find(name)
            if kept is not None:
                return kept
            making = self._making.setdefault(name, threading.Lock())
        with making:
            with self._lock:
                kept = self._find(name)
            if kept is None:
                kept = make()
                self._keep(name, kept)
        with self._lock:
            self._making.pop(name, None)
        return kept

    def _find(self, name: str) -> bytes | None:
        kept = self._kept.get(name)
        if kept is not None:
            self._kept.move_to_end(name)
        return kept

    def _keep(self, name: str, made: bytes) -> None:
        with self._lock:
            if len(made) > self._limit // 4:
                return
            self._kept[name] = made
            self._bytes += len(made)
            while self._bytes > self._limit:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= len(gone)


def tag_of(request: Request, made_of: Iterable[object]) -> str:
    """A name for the answer to this very question, made of these event numbers by this program: its ETag."""
    words = (VERSION, request.url.path, str(request.query_params), *map(str, made_of))
    return f'"{blake2b("|".join(words).encode(), digest_size=12).hexdigest()}"'


def cached_response(
    request: Request,
    made_of: Iterable[object],
    make: Callable[[], bytes],
    *,
    media_type: str,
    headers: dict[str, str] | None = None,
) -> Response:
    """The response, encoded once for all who ask the same; 304 for a client that has it already."""
    tag = tag_of(request, made_of)
    told = {**(headers or {}), "ETag": tag, "Cache-Control": FRESH}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(status_code=304, headers=told)
    cache: ResponseCache = request.app.state.response_cache
    return Response(cache.get(tag, make), headers=told, media_type=media_type)
