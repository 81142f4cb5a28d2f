"""A proxy as nobody wishes for, in a process of its own: `python -m tests.endurance.chaos_proxy UPSTREAM_PORT SEED`.

What becomes of a request is drawn anew for each. Prints its port, and at its end how often it did what.
"""

import asyncio
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.system import Process

PORT = re.compile(r"chaos at (\d+)\n")
ENDED = re.compile(r"chaos was (.*)\n")
FATES = {
    "passed": 40,
    "dropped": 12,
    "answer_lost": 12,
    "answer_cut": 6,
    "delayed": 6,
    "refused": 12,
    "repeated": 12,
    "late_again": 12,
}
"""What may become of a request, and how likely: `answer_lost` took effect;
`late_again` comes once more, behind others."""


@contextmanager
def chaos(upstream_port: int, seed: int) -> Iterator[tuple[int, Counter[str]]]:
    """The proxy's port; and, behind the block, how often what became of requests."""
    process = Process(str(upstream_port), str(seed), environment={}, module="tests.endurance.chaos_proxy")
    fates: Counter[str] = Counter()
    try:
        yield int(process.wait_for(PORT)[1]), fates
        process.interrupt(signal.SIGTERM)
        for word in process.wait_for(ENDED)[1].split():
            name, _, number = word.partition("=")
            fates[name] = int(number)
    finally:
        process.stop()


class Proxy:
    """One upstream; one request a connection."""

    def __init__(self, upstream_port: int, seed: int) -> None:
        self.upstream_port, self.random = upstream_port, random.Random(seed)
        self.fates: Counter[str] = Counter()
        self.later: set[asyncio.Task[bytes]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Reads one request, and does with it what is drawn."""
        with suppress(OSError, asyncio.IncompleteReadError):
            request = await _whole_request(reader)
            fate = self.random.choices(list(FATES), list(FATES.values()))[0]
            self.fates[fate] += 1
            writer.write(await self.answer(fate, request))
            await writer.drain()
        writer.close()

    async def answer(self, fate: str, request: bytes) -> bytes:
        """What the recorder hears; nothing where the connection just ends."""
        if fate == "dropped":
            return b""
        if fate == "refused":
            wait = self.random.choice((b"", b"Retry-After: 1\r\n"))
            return b"HTTP/1.1 503 Service Unavailable\r\n" + wait + b"Content-Length: 0\r\nConnection: close\r\n\r\n"
        if fate == "delayed":
            await asyncio.sleep(self.random.uniform(1.0, 5.0))
        answer = await self.forward(request)
        if fate == "repeated":
            answer = await self.forward(request)
        if fate == "late_again":
            again = asyncio.create_task(self.forward(request, self.random.uniform(0.2, 2.0)))
            self.later.add(again)
            again.add_done_callback(self.later.discard)
        if fate == "answer_lost":
            return b""
        return answer[: len(answer) // 2] if fate == "answer_cut" else answer

    async def forward(self, request: bytes, seconds: float = 0.0) -> bytes:
        """The upstream's answer to a request that reaches it after so many seconds."""
        await asyncio.sleep(seconds)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        try:
            writer.write(request)
            return await reader.read(-1)
        finally:
            writer.close()


async def _whole_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    body = await reader.readexactly(int(length[1])) if length else b""
    lines = [line for line in head.split(b"\r\n")[:-2] if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body


async def main(upstream_port: str, seed: str) -> None:
    """Serves until it is told to end."""
    proxy = Proxy(int(upstream_port), int(seed))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        sys.stdout.write(f"chaos at {server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await ended.wait()
    sys.stdout.write(f"chaos was {' '.join(f'{name}={number}' for name, number in proxy.fates.items())}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
