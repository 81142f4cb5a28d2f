"""A real uvicorn on a free port, in a thread, and a real WebSocket client."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import websockets
from fastapi import FastAPI

from server.run import CannotListen, address_of, bind, server_of
from server.settings import ServerSettings

SECONDS = 20.0


@contextmanager
def serving(app: FastAPI, settings: ServerSettings) -> Iterator[str]:
    """The application behind a socket; yields its address, and ends it with whatever is still open."""
    listener = _listener(settings)
    server = server_of(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield address_of(listener)
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive()


_port = 0


def _listener(settings: ServerSettings) -> socket.socket:
    """At the same port as the last time in this process, where it is free: a browser then knows the pages' scripts."""
    global _port
    try:
        listener = bind(settings.model_copy(update={"port": _port}))
    except CannotListen:
        return bind(settings.model_copy(update={"port": 0}))
    _port = listener.getsockname()[1]
    return listener


def read_frame(message: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the bytes behind it."""
    size = int.from_bytes(message[:4], "little")
    header: dict[str, Any] = json.loads(message[4 : 4 + size])
    return header, message[4 + size :]


@dataclass
class Frame:
    """A binary message, read as the contract says."""

    header: dict[str, Any]
    layers: dict[int, bytes]

    @classmethod
    def read(cls, message: bytes) -> Self:
        header, cells = read_frame(message)
        layers, place = {}, 0
        for index, neurons in header["layers"]:
            layers[index] = cells[place : place + neurons]
            place += neurons
        assert place == len(cells)
        return cls(header, layers)


@dataclass
class Browser:
    """An open socket and all that came over it, in order."""

    socket: Any
    heard: list[dict[str, Any] | Frame] = field(default_factory=list)

    async def say(self, kind: str, **content: object) -> None:
        await self.socket.send(json.dumps({"type": kind, **content}))

    async def hear_until(self, enough: Callable[[Self], bool]) -> None:
        """Listen until a condition holds of what was heard."""
        async with asyncio.timeout(SECONDS):
            while not enough(self):
                message = await self.socket.recv()
                self.heard.append(Frame.read(message) if isinstance(message, bytes) else json.loads(message))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The JSON messages of a type."""
        return [each for each in self.heard if isinstance(each, dict) and each["type"] == kind]

    @property
    def frames(self) -> list[Frame]:
        return [each for each in self.heard if isinstance(each, Frame)]

    @property
    def seqs(self) -> list[int]:
        """The numbers of all events, in the order in which they came."""
        return [event["seq"] for message in self.of("events") for event in message["events"]]

    @property
    def last_seq(self) -> int:
        return self.seqs[-1] if self.seqs else 0


@asynccontextmanager
async def browser(address: str, **options: Any) -> AsyncIterator[Browser]:
    """A browser's tab."""
    url = address.replace("http", "ws", 1) + "/api/v1/live"
    options = {"max_queue": None, **options}  # else a tab that is closed with much unread waits for itself
    async with websockets.connect(url, max_size=None, compression=None, **options) as socket:
        yield Browser(socket)
