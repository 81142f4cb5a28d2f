"""One open socket: what it follows, and what waits to be sent to it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from server.live.batches import Batch, Selection

SEND_QUEUE_BYTES = 32_000_000
MOST_SUBSCRIPTIONS = 100


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


RunId = Annotated[str, Field(pattern="^[a-z0-9]{1,40}$")]


class Subscribe(_Message):
    """Follow a run from a cursor; again for the same run, it replaces cursor and layers."""

    type: Literal["subscribe"]
    run: RunId
    after: int = Field(default=0, ge=0, le=2**53)
    layers: Literal["all"] | tuple[Annotated[int, Field(ge=0, le=1_000_000)], ...] = Field(
        default=(), max_length=100_000
    )

    @property
    def selection(self) -> Selection:
        """The layers whose display bytes are wanted."""
        return None if isinstance(self.layers, str) else frozenset(self.layers)


class Unsubscribe(_Message):
    """Stop following a run."""

    type: Literal["unsubscribe"]
    run: RunId


class SubscribeRuns(_Message):
    """Receive every run that appears, changes or is deleted."""

    type: Literal["subscribe_runs"]


class UnsubscribeRuns(_Message):
    """Receive runs no more."""

    type: Literal["unsubscribe_runs"]


ClientMessage = Annotated[
    Subscribe | Unsubscribe | SubscribeRuns | UnsubscribeRuns,
    Field(discriminator="type"),
]
"""What a browser may send."""

client_message: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)


class SendQueue:
    """What waits to be sent to one socket, bounded by its bytes."""

    def __init__(self, limit: int = SEND_QUEUE_BYTES) -> None:
        self.limit = limit
        self.overflowed = asyncio.Event()
        self._waiting: deque[str | bytes] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._roomy = asyncio.Event()
        self._roomy.set()

    def put(self, message: str | bytes) -> None:
        """Add a message; past the limit, give the socket up instead: it is too slow and will come back."""
        if self.overflowed.is_set():
            return
        if self._waiting and self._bytes + len(message) > self.limit:
            self.overflowed.set()
            return
        self._waiting.append(message)
        self._bytes += len(message)
        self._filled.set()
        if self._bytes > self.limit // 4:
            self._roomy.clear()

    async def take(self) -> str | bytes:
        """The oldest message, as soon as there is one."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        message = self._waiting.popleft()
        self._bytes -= len(message)
        if self._bytes <= self.limit // 4:
            self._roomy.set()
        return message

    async def room(self) -> None:
        """Wait until little is waiting: old events are read no faster than they can be sent."""
        await self._roomy.wait()


@dataclass(eq=False)
class Subscription:
    """A run that a socket follows."""

    viewer: "Viewer"
    run_id: str
    cursor: int
    selection: Selection
    live: bool = False
    """It has caught up, and is served by the tail from here on."""
    catching_up: "asyncio.Task[None] | None" = None

    @property
    def current(self) -> bool:
        """Whether no other has taken its place."""
        return self.viewer.subscriptions.get(self.run_id) is self

    def deliver(self, batch: Batch) -> None:
        """Send a batch and move the cursor past it."""
        self.viewer.send_queue.put(batch.text)
        for frame in batch.frames.get(self.selection, ()):
            self.viewer.send_queue.put(frame)
        self.cursor = batch.last_seq

    def end(self) -> None:
        """Stop catching up."""
        if self.catching_up is not None:
            self.catching_up.cancel()


@dataclass(eq=False)
class Viewer:
    """One open socket."""

    send_queue: SendQueue
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    follows_runs: bool = False

    def wants(self, run_id: str) -> bool:
        """Whether a change of this run is sent to this socket."""
        return self.follows_runs or run_id in self.subscriptions

    def drop(self, run_id: str) -> None:
        """Stop following a run."""
        gone = self.subscriptions.pop(run_id, None)
        if gone is not None:
            gone.end()
