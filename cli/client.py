"""The commands' way to a running server: its HTTP API, and errors a person can act on."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx

from cli.printing import underlined
from cli.server_address import AddressWrong, ServerAddress
from cli.settings import ClientSettings

Json = dict[str, Any]

EVENT_STREAM = "text/event-stream"
RUN_FILE = "application/zip"
MOST_CELLS = 3
"""Of a sweep's runs that an error is about, those that are named."""
PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Before each further try to go on with an event stream: a server that is started again has this long."""


class Refused(Exception):
    """The server said no; the message is for a person."""


class Unreachable(Exception):
    """No server answers."""


@dataclass(frozen=True, slots=True)
class SaidEvent:
    """One event of a run as the event stream tells it."""

    seq: int
    kind: str
    payload: Json


class _Answer(dict[str, Any]):
    """What a server said. What it leaves out of what our own always says shows that it is another program."""

    def __init__(self, answer: httpx.Response, read: Json) -> None:
        super().__init__(read)
        self._answer = answer

    def __missing__(self, name: str) -> Any:
        raise Refused(another_program(self._answer))


class Client:
    """Speaks to one server; a context manager."""

    def __init__(self, settings: ClientSettings) -> None:
        """Args: settings: where the server is, and the token it may ask for.

        Raises:
            Refused: the address cannot be used, or the proxy that the environment names.
        """
        try:
            address = ServerAddress.read(settings)
        except AddressWrong as error:
            raise Refused(str(error)) from None
        if address.token and not (address.token.isascii() and address.token.isprintable()):
            raise Refused("NEQ_TOKEN is not a valid token: tokens are printable ASCII")
        self.url = address.url
        self._http = _http_client(address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, method: str, path: str, **options: Any) -> Json:
        """The answer's JSON ({} where there is none).

        Raises:
            Unreachable: nobody listens at the address.
            Refused: any answer of 400 and above, in the server's words.
        """
        try:
            answer = self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise Unreachable(self._unreachable(error)) from error
        if answer.is_error:
            raise Refused(refusal(answer))
        return self._read(answer)

    def events(self, run_id: str, after: int = 0) -> Iterator[SaidEvent]:
        """The run's events from a cursor on, live, until its end; reconnects by itself.

        Raises:
            Unreachable: the server went and did not come back within the retries.
            Refused: unknown run, or no right to see it.
        """
        failures = 0
        while True:
            try:
                for event in self._stream(run_id, after):
                    if event.kind == "end":
                        return
                    after, failures = event.seq, 0
                    yield event
            except httpx.TransportError as error:
                if failures == len(PAUSES_SECONDS):
                    raise Unreachable(self._unreachable(error)) from error
                time.sleep(PAUSES_SECONDS[failures])
                failures += 1

    def download(self, path: str) -> Iterator[bytes]:
        """The answer's bytes as they come.

        Raises:
            Unreachable: nobody listens at the address, or the answer broke off.
            Refused: any answer of 400 and above, in the server's words.
        """
        try:
            with self._http.stream("GET", path, timeout=60) as answer:
                _expect(answer, RUN_FILE)
                yield from answer.iter_bytes()
        except httpx.TransportError as error:
            raise Unreachable(self._unreachable(error)) from error

    def _stream(self, run_id: str, after: int) -> Iterator[SaidEvent]:
        headers = {"Last-Event-ID": str(after)}
        with self._http.stream(
            "GET", f"{run_path(run_id)}/events?former_names=false", headers=headers, timeout=60
        ) as answer:
            _expect(answer, EVENT_STREAM)
            yield from parse_event_stream(answer.iter_lines())

    def _read(self, answer: httpx.Response) -> Json:
        try:
            read = answer.json() if answer.content else {}
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise Refused(another_program(answer))
        return _Answer(answer, read)

    def _unreachable(self, error: Exception) -> str:
        return f"no server responds at {self.url} ({error}); start one with `neq up`, or name it in NEQ_URL"


def run_path(run_id: str) -> str:
    """A run's address below /api/v1, whatever was typed as its id."""
    return f"/runs/{quote(run_id, safe='')}"


def _http_client(address: ServerAddress) -> httpx.Client:
    headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
    # A proxy of the environment is for the way out: what listens on this machine it would not find.
    try:
        return httpx.Client(
            base_url=f"{address.url}/api/v1",
            headers=headers,
            auth=address.login,
            timeout=30,
            trust_env=not address.is_here,
        )
    except (ImportError, ValueError, httpx.InvalidURL):
        raise Refused(
            "the proxy that HTTP_PROXY, HTTPS_PROXY or ALL_PROXY names cannot be used: correct it, or pass it over "
            "by naming the server in NO_PROXY"
        ) from None


def parse_event_stream(lines: Iterator[str]) -> Iterator[SaidEvent]:
    """Events of a text/event-stream, whose parts are joined at blank lines; comments are passed over."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = fields[name] + "\n" + value.lstrip() if name in fields else value.lstrip()
        else:
            if "event" in fields:
                payload = json.loads(fields.get("data") or "{}")
                yield SaidEvent(int(fields.get("id") or 0), fields["event"], payload)
            fields = {}


def refusal(answer: httpx.Response) -> str:
    """The server's words for a person: field by field where it names fields."""
    try:
        told = answer.json()
    except ValueError:
        return another_program(answer)
    detail = told.get("detail") if isinstance(told, dict) else None
    if isinstance(detail, list):
        return "\n".join(_problem(item, answer) for item in detail)
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return "the server requires a token: set NEQ_TOKEN"
    return str(detail or another_program(answer))


def of_cells(item: Json) -> str:
    """Which runs of a sweep something is about; empty where it is about all, or there is no sweep."""
    cells = item.get("cells") or []
    named = "; ".join(", ".join(f"{path}={value}" for path, value in cell.items()) for cell in cells[:MOST_CELLS])
    more = f" and {item['runs'] - MOST_CELLS:,} more" if item.get("runs", 0) > MOST_CELLS else ""
    return f" ({named}{more})" if named else ""


def _problem(item: Json, answer: httpx.Response) -> str:
    """What is wrong with one field; where the server says at which place of its text, the text with it underlined."""
    field = item.get("field")
    said = f"{field or 'run'}: {item.get('message')}{of_cells(item)}"
    start, end = item.get("start"), item.get("end")
    if not (isinstance(start, int) and isinstance(end, int)):
        return said
    text = answer.request.url.params.get(str(field), "")
    return f"{said}\n{underlined(text, start, end)}"


def _expect(answer: httpx.Response, media_type: str) -> None:
    """Refuse what does not begin as our own server's answer would."""
    if answer.is_error:
        answer.read()
        raise Refused(refusal(answer))
    if answer.headers.get("content-type", "").partition(";")[0].strip() != media_type:
        raise Refused(another_program(answer))


def another_program(answer: httpx.Response) -> str:
    """What to say of an answer that is none of ours."""
    url = answer.request.url
    address = f"{url.scheme}://{url.netloc.decode()}{url.path.partition('/api/v1')[0]}"
    return (
        f"another program responds at {address} (with {answer.status_code}): name the server's own address in NEQ_URL, "
        "with the path below which a proxy shows it, or start a server with `neq up` on another port"
    )
