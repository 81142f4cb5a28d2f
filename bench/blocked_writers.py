"""How long reading takes while 60 changes wait for an SQLite file that another program holds locked.

    python bench/blocked_writers.py

Prints the median and the longest time of GET /api/v1/health, /livez, /api/v1/runs and of one run, in milliseconds.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

import httpx

from db import Store
from server.app import create_app
from server.settings import ServerSettings
from tests.server.recording import Recording
from tests.server.serving import serving

CHANGES = 60
ROUNDS = 20


async def measure(address: str, database: Path, run_id: str) -> dict[str, list[float]]:
    """Milliseconds of every request, by path."""
    told: dict[str, list[float]] = {}
    limits = httpx.Limits(max_connections=CHANGES + 20)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        with closing(sqlite3.connect(database, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            path = f"/api/v1/runs/{run_id}"
            changes = [asyncio.create_task(client.patch(path, json={"notes": "x"})) for _ in range(CHANGES)]
            await asyncio.sleep(1)
            for _ in range(ROUNDS):
                for each in ("/livez", "/api/v1/health", "/api/v1/runs", path):
                    began = time.perf_counter()
                    await client.get(each)
                    told.setdefault(each.replace(run_id, "RUN"), []).append(1000 * (time.perf_counter() - began))
            holder.execute("ROLLBACK")
        await asyncio.gather(*changes)
    return told


def main() -> None:
    """Measures on a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "neq.db"
        settings = ServerSettings(database_url=f"sqlite:///{database}")
        store = Store.open(settings.database_url)
        recording = Recording(store)
        recording.start()
        with serving(create_app(store, settings), settings) as address:
            told = asyncio.run(measure(address, database, recording.id))
        store.close()
    for path, times in told.items():
        print(f"{path:24} median {statistics.median(times):8.1f} ms   longest {max(times):8.1f} ms   n = {len(times)}")


if __name__ == "__main__":
    main()
