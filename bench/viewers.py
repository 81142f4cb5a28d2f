"""Many viewers of one run: WebSocket clients in a process of their own, which read all that comes and draw nothing.

    python -m bench.viewers http://127.0.0.1:8000 RUN 50 [all|3,4]

Prints `there` once all of them follow the run, then goes on until its standard input ends.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import websockets


async def view(address: str, run_id: str, layers: object, there: asyncio.Event) -> None:
    """Follows a run as a page does."""
    url = address.replace("http", "ws", 1) + "/api/v1/live"
    async with websockets.connect(url, max_size=None, compression=None) as socket:
        await socket.send(json.dumps({"type": "subscribe", "run": run_id, "after": 0, "layers": layers}))
        async for message in socket:
            if isinstance(message, str) and message.startswith('{"type":"run"'):
                there.set()


async def follow(address: str, run_id: str, count: int, layers: object) -> None:
    """Until the input ends."""
    arrived = [asyncio.Event() for _ in range(count)]
    tasks = [asyncio.create_task(view(address, run_id, layers, each)) for each in arrived]
    await asyncio.gather(*(each.wait() for each in arrived))
    print("there", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()


@contextmanager
def viewers(address: str, run_id: str, count: int, layers: str = "all") -> Iterator[None]:
    """That many viewers beside what is measured; returns when all of them follow."""
    if not count:
        yield
        return
    command = [sys.executable, "-m", "bench.viewers", address, run_id, str(count), layers]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdin
        assert process.stdout.readline() == "there\n"
        yield
        process.stdin.close()


if __name__ == "__main__":
    chosen = sys.argv[4] if len(sys.argv) > 4 else "all"
    selection: object = chosen if chosen == "all" else [int(part) for part in chosen.split(",")]
    asyncio.run(follow(sys.argv[1], sys.argv[2], int(sys.argv[3]), selection))
