"""What a recorder asks of a server, and what the answers mean. The wire format: docs/run-file.md."""

import time
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from neq.display.html import allows_frames
from neq.recording.settings import Settings

if TYPE_CHECKING:
    import httpx

Outcome = Literal["taken", "gap", "ended", "writer", "missing", "denied", "refused", "later"]
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 30.0
LONGEST_RETRY_AFTER = 300.0
_LATER = (408, 425, 429)


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    Attributes:
        outcome: `taken`; `gap`: other events first; `ended`, `writer`: the run is no longer ours; `missing`: it is not
            there; `denied`: the token; `refused`: wrong or too large; `later`: nobody answered, or not now.
        last_seq: up to where the server has all events; None where it does not say.
        stop_requested: whether somebody pressed Stop on the page.
        detail: the server's words, or why there are none.
        answered: whether somebody answered at all.
        retry_after: seconds, where the server asks for a pause.
        body: the rest of the answer.
        is_about_the_part: whether it is refused for what is in it, and another part may not be.
    """

    outcome: Outcome
    last_seq: int | None = None
    stop_requested: bool = False
    detail: str = ""
    answered: bool = True
    retry_after: float | None = None
    body: dict[str, Any] | None = None
    is_about_the_part: bool = False


class Transport:
    """Speaks to one server about one run after another; from one thread at a time.

    Attributes:
        may_frame: whether its last answer lets other pages show its own in a frame.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: httpx.Client | None = None
        self.may_frame = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def make_run(self, description: dict[str, Any]) -> Answer:
        """Makes the run, or finds it made by the same writer.

        A run's own `last_seq` counts the store's events with ours, such as that it was lost: which of ours are stored
        it does not say.
        """
        return replace(self._ask("/runs", json=description), last_seq=None)

    def take_over(self, run: str, writer: str) -> Answer:
        """Asks for a run that has ended or is lost; `retry_after` of `writer`: until its recorder is lost, if dead."""
        return self._ask(f"/runs/{run}/take-over", json={"writer": writer})

    def send(self, run: str, part: bytes) -> Answer:
        """Sends the bytes of a part."""
        headers = {"Content-Type": "application/octet-stream"}
        return self._ask(f"/runs/{run}/parts", content=part, headers=headers)

    def close(self) -> None:
        """Ends the connections."""
        if self._client is not None:
            self._client.close()

    def _ask(self, path: str, **request: Any) -> Answer:
        import httpx

        try:
            if self._client is None:
                self._client = self._opened()
            response = self._client.post(path, **request)
            self.may_frame = allows_frames(response.headers.get("Content-Security-Policy", ""))
            return _meaning(response)
        except (httpx.HTTPError, OSError) as error:
            return Answer("later", detail=f"{type(error).__name__}: {error}"[:300], answered=False)
        except (ImportError, ValueError, httpx.InvalidURL) as error:  # such as a proxy that cannot be used
            return Answer("refused", detail=f"the request could not be made ({error})"[:300])

    def _opened(self) -> "httpx.Client":
        import httpx

        token = self._settings.token
        return httpx.Client(
            base_url=f"{self._settings.url}/api/v1",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=not self._settings.is_here,
        )


def _meaning(response: "httpx.Response") -> Answer:
    status, body = response.status_code, _body(response)
    said = body or {}
    detail = str(said.get("detail") or f"HTTP {status}")[:500]
    last_seq = said.get("last_seq") if type(said.get("last_seq")) is int else None
    if response.is_success:
        if body is None:  # a proxy's page, or another program
            return Answer("later", detail=f"HTTP {status}, and not the answer of a NEq server")
        return Answer("taken", last_seq, said.get("stop_requested") is True, body=body)
    if status >= 500 or status in _LATER:
        return Answer("later", detail=detail, retry_after=_pause(response))
    if status == 409:
        return replace(_conflict(said.get("reason"), last_seq, detail), retry_after=_pause(response))
    if status in (401, 403):
        return Answer("denied", detail=detail)
    return Answer("missing" if status == 404 else "refused", detail=detail, is_about_the_part=status in (413, 422))


def _conflict(reason: object, last_seq: int | None, detail: str) -> Answer:
    if reason == "gap" and last_seq is not None:
        return Answer("gap", last_seq, detail=detail)
    return Answer("ended" if reason == "ended" else "writer", detail=detail)


def _body(response: "httpx.Response") -> dict[str, Any] | None:
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _pause(response: "httpx.Response") -> float | None:
    """`Retry-After` in seconds, which comes as a number or as a date."""
    told = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(told) if told.isdigit() else parsedate_to_datetime(told).timestamp() - time.time()
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)
