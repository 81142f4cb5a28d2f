"""Metrics of a million points: in chunks, as the store keeps them, beside a row for every point.

    .venv/bin/python -m bench.metrics [--points 1000000]

Prints, for both: seconds to write (in parts of a thousand points, each a transaction), bytes of the file, and
milliseconds to read the whole metric and thin it to a thousand columns (median and range of n).
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np

from db import EventRecord, MetricPoints, NewRun, Store
from server.arrays.thinning import thinned

A_PART = 1_000
COLUMNS = 1_000
TIMES = 9


def series(points: int) -> MetricPoints:
    """A noisy curve, a thousand steps an epoch."""
    random = np.random.default_rng(0)
    steps = np.arange(points)
    return MetricPoints(
        "train/loss",
        steps=steps,
        epochs=(steps // 1_000).astype(np.int32),
        times=1.8e9 + steps / 100,
        values=np.exp(-steps / points) + random.normal(0, 0.1, points),
    )


def chunks(folder: Path, whole: MetricPoints) -> None:
    """As the store keeps them."""
    path = folder / "chunks.db"
    store = Store.open(f"sqlite:///{path}")
    writer = "0" * 32
    store.begin_external("abcdefgh12", writer, NewRun(config={}, epochs_planned=None))
    began = time.perf_counter()
    for number, first in enumerate(range(0, whole.steps.size, A_PART), 1):
        part = whole.cut(first, first + A_PART)
        payload = {"kind": "metrics_logged", "series": [{"name": part.name, "points": A_PART}]}
        record = EventRecord(kind="metrics_logged", payload=payload, at=datetime.now(UTC), points=(part,))
        store.append_part("abcdefgh12", writer, number, [record])
    wrote = time.perf_counter() - began
    read = timed(lambda: store.metric_points("abcdefgh12", whole.name))
    store.close()
    say("chunks", wrote, path.stat().st_size, read)


def rows(folder: Path, whole: MetricPoints) -> None:
    """A row for every point, the primary key in the order of reading."""
    path = folder / "rows.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "CREATE TABLE points (run TEXT, name TEXT, place INT, step INT, epoch INT, at REAL, value REAL, "
            "PRIMARY KEY (run, name, place)) WITHOUT ROWID"
        )
        table = [("abcdefgh12", whole.name, *row) for row in zip(range(whole.steps.size), *columns(whole), strict=True)]
        began = time.perf_counter()
        for first in range(0, len(table), A_PART):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?)", table[first : first + A_PART])
            connection.execute("COMMIT")
        wrote = time.perf_counter() - began
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        def read() -> MetricPoints:
            query = "SELECT step, epoch, at, value FROM points WHERE run = ? AND name = ? ORDER BY place"
            found = np.array(connection.execute(query, ("abcdefgh12", whole.name)).fetchall())
            return MetricPoints(
                whole.name,
                steps=found[:, 0].astype(np.int64),
                epochs=found[:, 1].astype(np.int32),
                times=found[:, 2],
                values=found[:, 3],
            )

        taken = timed(read)
    say("rows", wrote, path.stat().st_size, taken)


def columns(whole: MetricPoints) -> tuple[list[float], ...]:
    """Steps, epochs, times and values."""
    return whole.steps.tolist(), whole.epochs.tolist(), whole.times.tolist(), whole.values.tolist()


def timed(read: Callable[[], MetricPoints]) -> list[float]:
    """Milliseconds of reading and thinning."""
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        thinned(read(), COLUMNS, "step")
        taken.append(1e3 * (time.perf_counter() - began))
    return taken


def say(name: str, wrote: float, size: int, read: list[float]) -> None:
    """One line."""
    spread = f"{median(read):.0f} ms [{min(read):.0f}, {max(read):.0f}], n = {len(read)}"
    print(f"{name}: written in {wrote:.1f} s, {size / 1e6:.0f} MB, read and thinned in {spread}", flush=True)


def main() -> None:
    """Both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    whole = series(parser.parse_args().points)
    with tempfile.TemporaryDirectory() as folder:
        chunks(Path(folder), whole)
        rows(Path(folder), whole)


if __name__ == "__main__":
    main()
