"""A server behind a line that brings every answer late: `python -m bench.slow_server UPSTREAM_PORT SECONDS`.

Prints its port.
"""

import asyncio
import sys

PIECE = 65_536


async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float) -> None:
    """Hands bytes on, each piece so much later, until there are no more."""
    try:
        while piece := await source.read(PIECE):
            await asyncio.sleep(delay)
            target.write(piece)
            await target.drain()
    except ConnectionError:
        pass
    target.close()


async def main(upstream: int, seconds: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", upstream)
        await asyncio.gather(pass_on(reader, server_writer, 0), pass_on(server_reader, writer, seconds))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
