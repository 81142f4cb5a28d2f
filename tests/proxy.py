"""A reverse proxy as people have it, in a process of its own: `python tests/proxy.py UPSTREAM_PORTS PREFIX [WORDS]`.

Of several upstreams, separated by commas, each connection goes to the next one that is there.
Answers below PREFIX alone. Words: `keep` leaves the prefix in the path (as `jupyter-server-proxy`'s absolute mode does;
without it, it is cut off), `rewrite` sends the upstream's own address as Host, `deaf` passes no WebSocket on.
Prints its port.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from re import compile as pattern

from tests.system import Process

PORT = pattern(r"proxy at (\d+)\n")


@contextmanager
def proxying(upstream: int | Sequence[int], prefix: str, *words: str) -> Iterator[int]:
    """The proxy's port, while it runs."""
    ports = ",".join(map(str, [upstream] if isinstance(upstream, int) else upstream))
    process = Process(ports, prefix, *words, environment={}, module="tests.proxy")
    try:
        yield int(process.wait_for(PORT)[1])
    finally:
        process.stop()


class Proxy:
    """Upstreams below one prefix, in turns."""

    def __init__(self, upstream_ports: list[int], prefix: str, words: list[str]) -> None:
        self.upstream_ports, self.prefix, self.words = upstream_ports, prefix, words

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, one request in it; a WebSocket stays as long as both sides want."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        except asyncio.IncompleteReadError:
            writer.close()
            return
        path = head[0].split(" ")[1]
        inside = path == self.prefix or path.startswith((f"{self.prefix}/", f"{self.prefix}?"))
        deaf = "deaf" in self.words and any(line.lower().startswith("upgrade:") for line in head)
        if not inside or deaf:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()
            return
        try:
            there, onward = await self._upstream()
        except OSError:
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()
            return
        onward.write("\r\n".join([*self._passed_on(head), "", ""]).encode("latin-1"))
        await asyncio.gather(_pipe(reader, onward), _pipe(there, writer))

    async def _upstream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the next upstream that is there; the port of it is the last of the list."""
        for left in reversed(range(len(self.upstream_ports))):
            self.upstream_ports.append(self.upstream_ports.pop(0))
            try:
                return await asyncio.open_connection("127.0.0.1", self.upstream_ports[-1])
            except OSError:
                if not left:
                    raise
        raise AssertionError("there is no upstream")

    def _passed_on(self, head: list[str]) -> list[str]:
        method, path, version = head[0].split(" ")
        if "keep" not in self.words:
            path = path.removeprefix(self.prefix)
            path = path if path.startswith("/") else f"/{path}"
        lines = [f"{method} {path} {version}"]
        upgrade = any(line.lower().startswith("upgrade:") for line in head)
        for line in head[1:]:
            name = line.partition(":")[0].lower()
            if name == "host" and "rewrite" in self.words:
                line = f"Host: 127.0.0.1:{self.upstream_ports[-1]}"
            if name != "connection" or upgrade:
                lines.append(line)
        return lines if upgrade else [*lines, "Connection: close"]


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main(upstream_ports: str, prefix: str, *words: str) -> None:
    """Serve until ended."""
    proxy = Proxy([int(port) for port in upstream_ports.split(",")], prefix, list(words))
    async with await asyncio.start_server(proxy.answer, "127.0.0.1", 0) as server:
        sys.stdout.write(f"proxy at {server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
