"""What the store costs: time to record an epoch, size on disk, time to read; and whether it stays quick with many runs.

    python bench/store.py                      the row layouts of SQLite, then the store on SQLite
    python bench/store.py --url postgresql://… the store on an empty PostgreSQL database
    python bench/store.py --runs 1000          and the lists, with that many runs of 250 epochs beside

The workload is a ResNet-32's: 65 layers, 2,282 neurons (EXPECTATIONS: 2,400), 100 epochs. Times are medians.
"""

import argparse
import os
import platform
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sqlalchemy import insert

from contract.events import EpochFinished, LayerCounts, LayerSnapshot, Seconds
from db import EpochScalars, EventRecord, Snapshot, Store
from db.schema import epochs as epochs_table
from db.schema import events as events_table
from db.schema import runs as runs_table
from trainer.engines.frames import write_frame

WIDTHS = tuple([16] * 23 + [32] * 20 + [64] * 21 + [10])  # 65 layers, 2,362 neurons
EPOCHS = 100
BINS = 39
LAYOUTS = {
    "rowid table, index on (run, layer, epoch)": "",
    "WITHOUT ROWID": " WITHOUT ROWID",
}


def event_record(epoch: int, random: np.random.Generator) -> EventRecord:
    """A finished epoch as the trainer writes it; arrays of noise, which no database can shrink."""
    frozen = [random.random(n) < 0.5 for n in WIDTHS]
    rows = tuple(
        Snapshot(
            layer=layer,
            neurons=n,
            divergence=random.random(n, dtype=np.float32).tobytes(),
            velocity=random.normal(0, 1e-3, n).astype("<f4").tobytes(),
            applied=np.packbits(frozen[layer]).tobytes(),
            frozen=np.packbits(frozen[layer]).tobytes(),
        )
        for layer, n in enumerate(WIDTHS)
    )
    counts = tuple(int(mask.sum()) for mask in frozen)
    scalars = EpochScalars(
        epoch=epoch,
        learning_rate=0.1,
        train_loss=1.0,
        train_accuracy=0.5,
        test_loss=1.0,
        test_accuracy=0.5,
        applied_fraction=0.5,
        frozen_fraction=sum(counts) / sum(WIDTHS),
        frozen_counts=counts,
    )
    payload = {"kind": "epoch_finished", "epoch": epoch, "train_loss": 1.0, "layers": _columns(counts, random)}
    return EventRecord(kind="epoch_finished", payload=payload, at=datetime.now(UTC), epoch=scalars, snapshots=rows)


def _columns(counts: tuple[int, ...], random: np.random.Generator) -> dict[str, Any]:
    velocities = [np.histogram(random.normal(0, 6, n), BINS, (-20, 20))[0].tolist() for n in WIDTHS]
    means = random.random(len(WIDTHS)).tolist()
    plain = {name: list(counts) for name in ("applied", "frozen", "froze", "thawed")}
    return {**plain, "phi_mean": means, "speed_mean": means, "velocity_histogram": velocities}


def medians(ask: Callable[[], object], times: int = 30) -> float:
    """Milliseconds that one call takes, the median of many."""
    spans = []
    for _ in range(times):
        begun = time.perf_counter()
        ask()
        spans.append(time.perf_counter() - begun)
    return 1e3 * median(spans)


def compare_layouts(folder: Path, entries: list[EventRecord]) -> None:
    """The snapshots alone, in plain sqlite3: the same rows, in both kinds of table, epoch by epoch."""
    raw = sum(len(s.divergence or b"") + len(s.velocity or b"") + 2 * len(s.frozen) for s in entries[0].snapshots)
    print(f"\nLayouts: {len(WIDTHS)} layers, {sum(WIDTHS)} neurons, {EPOCHS} epochs; {EPOCHS * raw / 1e6:.2f} MB raw")
    for name, ending in LAYOUTS.items():
        path = folder / f"layout-{len(ending)}.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE s (run TEXT, layer INT, epoch INT, neurons INT, applied BLOB, frozen BLOB,"
                f" velocity BLOB, phi BLOB, PRIMARY KEY (run, layer, epoch)){ending}"
            )
            write = 1e3 * median([_write(connection, entry) for entry in entries])
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            read = medians(partial(_read, connection), 200)
        size = path.stat().st_size / 1e6
        print(f"  {name:42} {size:5.2f} MB, {write:.2f} ms an epoch, a layer's history {read:.3f} ms (n = 200)")


def _write(connection: sqlite3.Connection, entry: EventRecord) -> float:
    assert entry.epoch is not None
    rows = [
        ("aaaaaaaaaa", s.layer, entry.epoch.epoch, s.neurons, s.applied, s.frozen, s.velocity, s.divergence)
        for s in entry.snapshots
    ]
    begun = time.perf_counter()
    with connection:
        connection.executemany("INSERT INTO s VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return time.perf_counter() - begun


def _read(connection: sqlite3.Connection) -> None:
    query = "SELECT epoch, velocity FROM s WHERE run = 'aaaaaaaaaa' AND layer = 40 ORDER BY epoch"
    assert len(connection.execute(query).fetchall()) == EPOCHS


def hand_over(entry: EventRecord) -> None:
    """Prints what an epoch costs the training process itself: writing it into the pipe to its worker."""
    assert entry.epoch is not None
    rows = (
        LayerSnapshot(
            index=s.layer,
            neurons=s.neurons,
            divergence=s.divergence,
            velocity=s.velocity,
            applied=s.applied,
            frozen=s.frozen,
        )
        for s in entry.snapshots
    )
    event = EpochFinished(
        epoch=entry.epoch.epoch, learning_rate=0.1, train_loss=1.0, train_accuracy=0.5, test_loss=1.0,
        test_accuracy=0.5, applied_fraction=0.5, frozen_fraction=0.5,
        layers=LayerCounts(**entry.payload["layers"]), snapshots=tuple(rows),
        seconds=Seconds(train=1.0, probe=0.1, evaluate=0.1, record=0.0),
    )  # fmt: skip
    spans = []
    for _ in range(100):
        begun = time.process_time()
        write_frame(BytesIO(), event)
        spans.append(time.process_time() - begun)
    print(f"\nIn the training process: {1e3 * median(spans):.2f} ms of CPU to hand an epoch over (n = {len(spans)})")


def record(store: Store, entries: list[EventRecord]) -> str:
    """Records a run of these epochs, and prints what each took."""
    store.create_run(config={"model": "resnet"}, epochs_planned=EPOCHS, name="measured")
    worker = store.register_worker(name="bench", host="bench", pid=os.getpid(), device="cpu", slots=1)
    run = store.claim(worker.id)
    assert run is not None
    layers = [
        {"index": i, "name": f"layer{i}", "type": "Conv2d", "neurons": n, "parameters": 9 * n}
        for i, n in enumerate(WIDTHS)
    ]
    started = {"kind": "run_started", "layers": layers, "neurons": sum(WIDTHS)}
    store.append(run.id, worker.id, EventRecord(kind="run_started", payload=started, at=datetime.now(UTC)))
    spans, processor = [], []
    for entry in entries:
        begun, begun_processor = time.perf_counter(), time.process_time()
        store.append(run.id, worker.id, entry)
        spans.append(time.perf_counter() - begun)
        processor.append(time.process_time() - begun_processor)
    p95 = 1e3 * sorted(spans)[int(0.95 * len(spans))]
    print(
        f"  append of an epoch: median {1e3 * median(spans):.2f} ms (p95 {p95:.2f}), "
        f"{1e3 * median(processor):.2f} ms of CPU (n = {len(spans)})"
    )
    return run.id


def read(store: Store, run_id: str) -> None:
    """Prints what each question takes, in milliseconds."""
    questions: dict[str, Callable[[], object]] = {
        "layer_history (64 neurons × 100 epochs)": lambda: store.layer_history(run_id, 60, "velocity"),
        "frozen_counts (65 × 100)": lambda: store.frozen_counts(run_id),
        "snapshots_at (65 layers)": lambda: store.snapshots_at(run_id, 50),
        "epochs_after, with columns": lambda: store.epochs_after(run_id),
        "epochs_after, without": lambda: store.epochs_after(run_id, layers=False),
        "events_after, the newest": lambda: store.events_after(run_id, EPOCHS),
        "run": lambda: store.run(run_id),
        "runs, first page of 50": store.runs,
        "runs, searched": lambda: store.runs(search="measured"),
        "frozen_sparkline of 50 runs": lambda: store.frozen_sparkline([r.id for r in store.runs().items]),
        "revisions": store.revisions,
        "requeue_silent, nobody": lambda: store.requeue_silent(1e6),
        "claim, nothing queued": lambda: store.claim("nobody"),
    }
    for name, ask in questions.items():
        print(f"  {name:42} {medians(ask):7.2f} ms (n = 30)")


def fill(store: Store, number: int, epochs: int = 250) -> None:
    """Puts finished runs beside the measured one, without their arrays: what lists and revisions must step over."""
    config = {"padding": "x" * 1200}
    began = datetime.now(UTC) - timedelta(days=30)
    for i in range(number):
        run_id = secrets.token_hex(5)
        row = {
            "id": run_id, "revision": epochs, "state": "finished", "created_at": began + timedelta(minutes=i),
            "stop_requested": False, "last_seq": epochs, "epochs_planned": epochs, "epochs_done": epochs,
            "name": f"run {i}", "tags": ("bench",), "config": config, "notes": "", "searchable": f"{run_id} run {i}",
        }  # fmt: skip
        said = [
            {"run_id": run_id, "seq": e + 1, "kind": "epoch_finished", "at": began, "payload": {"epoch": e}}
            for e in range(epochs)
        ]
        counted = [
            {"run_id": run_id, "epoch": e, "seq": e + 1, "applied_fraction": 0.5, "frozen_fraction": e / epochs,
             "frozen_counts": bytes(4 * len(WIDTHS))}
            for e in range(epochs)
        ]  # fmt: skip
        with store._database.writing() as connection:
            connection.execute(insert(runs_table), [row])
            connection.execute(insert(events_table), said)
            connection.execute(insert(epochs_table), counted)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="an empty database; left out: a new SQLite file")
    parser.add_argument("--runs", type=int, default=0, help="finished runs to put beside the measured one")
    options = parser.parse_args()
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    print(f"{versions}, {os.cpu_count()} cores, {platform.machine()}")
    random = np.random.default_rng(0)
    entries = [event_record(epoch, random) for epoch in range(EPOCHS)]
    hand_over(entries[0])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.url is None:
            compare_layouts(folder, entries)
        path = folder / "store.db"
        store = Store.open(options.url or f"sqlite:///{path}")
        print(f"\nThe store on {store.kind}:")
        run_id = record(store, entries)
        if options.url is None:
            with sqlite3.connect(path) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            print(f"  size on disk: {path.stat().st_size / 1e6:.2f} MB for {EPOCHS} epochs, all data")
        read(store, run_id)
        if options.runs:
            fill(store, options.runs)
            print(f"\nThe same with {options.runs:,} more runs of 250 epochs:")
            read(store, run_id)
        store.close()


if __name__ == "__main__":
    main()
