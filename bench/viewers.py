"""Many viewers of one run: WebSocket clients in a process of their own, which read all that comes and draw nothing.

    python -m bench.viewers http://127.0.0.1:8000 RUN 50 [all|3,4]

Prints `there` once each of them has heard of the run, though what it missed may not have been sent yet, and goes on
until its standard input ends; then, in a line of JSON, when each of them heard of each epoch: seconds since 1970 by
epoch.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import websockets

FINISHED = re.compile(r'"kind":"epoch_finished","epoch":(\d+)')
"""Of each event in a message; to parse it whole would take the viewers longer than the server."""


async def view(
    address: str, run_id: str, layers: object, there: asyncio.Event, heard: defaultdict[int, list[float]]
) -> None:
    """Follows a run as a page does."""
    url = address.replace("http", "ws", 1) + "/api/v1/live"
    async with websockets.connect(url, max_size=None, compression=None) as socket:
        await socket.send(json.dumps({"type": "subscribe", "run": run_id, "after": 0, "layers": layers}))
        async for message in socket:
            if not isinstance(message, str):
                continue
            if message.startswith('{"type":"run"'):
                there.set()
            now = time.time()
            for epoch in FINISHED.findall(message):
                heard[int(epoch)].append(now)


async def follow(address: str, run_id: str, count: int, layers: object) -> None:
    """Until the input ends."""
    arrived = [asyncio.Event() for _ in range(count)]
    heard: defaultdict[int, list[float]] = defaultdict(list)
    tasks = [asyncio.create_task(view(address, run_id, layers, each, heard)) for each in arrived]
    await asyncio.gather(*(each.wait() for each in arrived))
    print("there", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    print(json.dumps(heard), flush=True)


@contextmanager
def viewers(
    address: str, run_id: str, count: int, layers: str = "all"
) -> Iterator[Callable[[], dict[int, list[float]]]]:
    """That many viewers beside what is measured; returns when each has heard of the run. Ends them, and tells when each
    heard of each epoch, when what it yields is called."""
    if not count:
        yield dict
        return
    command = [sys.executable, "-m", "bench.viewers", address, run_id, str(count), layers]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdin
        assert process.stdout.readline() == "there\n"
        told: list[dict[int, list[float]]] = []

        def ended() -> dict[int, list[float]]:
            if not told:
                assert process.stdout and process.stdin
                process.stdin.close()
                told.append({int(epoch): times for epoch, times in json.loads(process.stdout.readline()).items()})
            return told[0]

        yield ended
        ended()


if __name__ == "__main__":
    chosen = sys.argv[4] if len(sys.argv) > 4 else "all"
    selection: object = chosen if chosen == "all" else [int(part) for part in chosen.split(",")]
    asyncio.run(follow(sys.argv[1], sys.argv[2], int(sys.argv[3]), selection))
