"""What deleted runs give back to the disk of an SQLite store, and how long readers wait meanwhile.

    python bench/given_back.py [runs] [deleted]

By default 2,001 runs, of which 500 are deleted. Prints the file's size before and after, how long giving back took, and
the longest time of a read in that while.
"""

import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from db import EventRecord, Store

TEXTS = [bytes((37 * place + 11 * number) % 251 for place in range(15_000)).hex() for number in range(4)]


def entry(kind: str, payload: dict[str, object], ends: str | None = None) -> EventRecord:
    """An entry of this moment."""
    return EventRecord(kind=kind, payload={"kind": kind, **payload}, at=datetime.now(UTC), ends=ends)  # type: ignore[arg-type]


def main() -> None:
    """Measures on a store of its own."""
    runs, deleted = (int(given) for given in (sys.argv[1:] + ["2001", "500"][len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "neq.db"
        store = Store.open(f"sqlite:///{path}")
        worker = store.register_worker(name="bench", host="here", pid=1, device="none", slots=1).id
        made = []
        for _ in range(runs):
            made.append(store.create_run(config={}, epochs_planned=1).id)
            store.claim(worker)
            for text in TEXTS:
                store.append(made[-1], worker, entry("logged", {"level": "info", "text": text}))
            store.append(made[-1], worker, entry("run_stopped", {"epochs": 0, "reason": ""}, "stopped"))
        before = path.stat().st_size
        for run_id in made[:deleted]:
            store.delete_run(run_id)
        print(f"{runs} runs {before / 1e6:.1f} MB, after {deleted} deletes {path.stat().st_size / 1e6:.1f} MB")
        longest, done = 0.0, threading.Event()

        def read() -> None:
            nonlocal longest
            while not done.is_set():
                began = time.perf_counter()
                store.runs(limit=50)
                longest = max(longest, time.perf_counter() - began)

        reader = threading.Thread(target=read)
        reader.start()
        began = time.perf_counter()
        given = store.give_space_back()
        took = time.perf_counter() - began
        done.set()
        reader.join()
        size = path.stat().st_size / 1e6
        print(
            f"given back {given / 1e6:.1f} MB in {took:.2f} s, file {size:.1f} MB, longest read {1000 * longest:.0f} ms"
        )
        store.close()


if __name__ == "__main__":
    main()
