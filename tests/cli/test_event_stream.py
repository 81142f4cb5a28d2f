"""Following a run over HTTP: across a server that is started again, and not for ever at what is no server of ours."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from cli import client as client_module
from cli.client import PAUSES_SECONDS, Client, Refused, Unreachable
from cli.settings import ClientSettings

STREAM = {"content-type": "text/event-stream; charset=utf-8"}
EVENT = "id: {0}\nevent: logged\ndata: {{}}\n\n"
END = "event: end\ndata: {}\n\n"
Answers = Iterator[httpx.Response | httpx.TransportError]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, which take no time here."""
    pauses: list[float] = []
    monkeypatch.setattr(client_module.time, "sleep", pauses.append)
    return pauses


def client_of(answers: Answers, asked: list[str]) -> Client:
    """A client to which these answers come, one a request; what it asks for is gathered."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["last-event-id"])
        given = next(answers)
        if isinstance(given, httpx.TransportError):
            raise given
        return given

    client = Client(ClientSettings(url="http://127.0.0.1:1"))
    client._http = httpx.Client(base_url="http://127.0.0.1:1/api/v1", transport=httpx.MockTransport(answer))
    return client


def gone() -> httpx.TransportError:
    return httpx.ConnectError("connection refused")


def test_a_server_that_is_started_again_is_waited_for_and_the_stream_goes_on_from_its_cursor(
    slept: list[float],
) -> None:
    asked: list[str] = []
    answers: Answers = iter(
        [
            httpx.Response(200, headers=STREAM, text=EVENT.format(1) + EVENT.format(2)),
            gone(),
            gone(),
            httpx.Response(200, headers=STREAM, text=EVENT.format(3)),
            gone(),
            httpx.Response(200, headers=STREAM, text=END),
        ]
    )
    with client_of(answers, asked) as client:
        assert [event.seq for event in client.events("abc")] == [1, 2, 3]
    assert asked == ["0", "2", "2", "2", "3", "3"]
    assert slept == [*PAUSES_SECONDS[:2], PAUSES_SECONDS[0]], "what was heard begins the patience anew"


def test_a_server_that_stays_away_is_given_up_after_all_pauses(slept: list[float]) -> None:
    with client_of(iter([gone() for _ in range(20)]), []) as client, pytest.raises(Unreachable, match="no server"):
        list(client.events("abc"))
    assert slept == list(PAUSES_SECONDS)


@pytest.mark.parametrize(
    "follow",
    [lambda client: list(client.events("abc")), lambda client: list(client.download("/runs/abc/file"))],
    ids=["events", "download"],
)
def test_a_page_in_the_place_of_what_was_asked_is_another_program_s(follow: Callable[[Client], object]) -> None:
    asked: list[str] = []

    def page(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        assert len(asked) < 3, "it asks for ever"
        return httpx.Response(200, headers={"content-type": "text/html"}, text="<html>log in</html>")

    with Client(ClientSettings(url="http://127.0.0.1:1")) as client:
        client._http = httpx.Client(base_url="http://127.0.0.1:1/api/v1", transport=httpx.MockTransport(page))
        with pytest.raises(Refused, match=r"another program responds at http://127\.0\.0\.1:1 "):
            follow(client)
