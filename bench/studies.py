"""Studies on the server: how long do sweeps, curves of many runs and masks of two take?

    python bench/studies.py [--runs 50] [--epochs 300]

Every run has 60 layers and 2,280 neurons; two more have a layer of 4,096. The database is new, and of SQLite. Times are
medians, with the range, of whole answers made in this process; no answer is taken from the cache.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from fastapi.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.machine import machine
from bench.pairs import timed
from db import NewRun, Store, forks
from db.runs import create
from server.app import create_app
from server.settings import ServerSettings
from tests.server.recording import Recording

TIMES = 11
LAYERS = (38,) * 60
WIDE = 4_096
METRICS = ("test_accuracy", "train_loss", "frozen_fraction", "learning_rate")


def recorded(store: Store, neurons: tuple[int, ...], epochs: int) -> str:
    """A run of so many epochs; returns its id."""
    recording = Recording(store, neurons, epochs=epochs)
    recording.start()
    for _ in range(epochs):
        recording.epoch()
    return recording.id


def copied(store: Store, run_id: str, times: int, last: int) -> list[str]:
    """As many runs with the same record, whose seeds differ."""
    made = []
    for seed in range(times):
        with store._database.writing() as connection:
            config = store.run(run_id).config | {"training": {"seed": seed // 10}}
            new = NewRun(config=config, epochs_planned=last + 1, name=f"copy {seed}")
            run = create(connection, store._now(), new)
            forks._copy_start(connection, run_id, run)
            forks._copy_epochs(connection, run_id, run.id, last)
            forks._copy_metrics(connection, run_id, run.id, last)
        made.append(run.id)
    return made


def main() -> None:
    """Fills a store and asks."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=50)
    asked.add_argument("--epochs", type=int, default=300)
    options = asked.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/neq.db"
        store = Store.open(url)
        wide = [recorded(store, (WIDE, 8), options.epochs) for _ in range(2)]
        one = recorded(store, LAYERS, options.epochs)
        runs = [one, *copied(store, one, options.runs - 1, options.epochs - 1)]
        with TestClient(
            create_app(store, ServerSettings(database_url=url)), base_url="http://127.0.0.1:8000"
        ) as client:
            _measure(client, runs, wide)
        store.close()


def _measure(client: TestClient, runs: list[str], wide: list[str]) -> None:
    # A parameter that changes each time keeps answers out of the cache.
    curves: dict[str, Any] = {"runs": ",".join(runs), "metric": METRICS}
    _tell(
        f"curves of {len(runs)} runs, {len(METRICS)} metrics",
        lambda n: _get(client, "curves", curves | {"columns": 600 + n}),
    )
    banded = curves | {"by": "training.seed"}
    _tell("… with bands by a setting", lambda n: _get(client, "curves", banded | {"columns": 600 + n}))
    by_flops = banded | {"axis": "seconds"}
    _tell("… by seconds of training", lambda n: _get(client, "curves", by_flops | {"columns": 600 + n}))
    pair = {"a": runs[0], "b": runs[1]}
    _tell("agreement of 60 layers", lambda n: _get(client, "agreement", pair | {"n": n}))
    layer = {"a": wide[0], "b": wide[1], "layer_a": 0, "layer_b": 0}
    _tell(f"mask difference of {WIDE:,} neurons", lambda n: _get(client, "masks", layer | {"n": n}))
    _tell("first freezes of it", lambda n: _get(client, "first-freezes", layer | {"n": n}))
    grid = {"neq.epsilon": [number / 1000 for number in range(1, 11)]}
    body = {"grid": grid, "seeds": 10}
    _tell("preview of a sweep of 100", lambda _: client.post("/api/v1/sweeps/preview", json=body))
    _tell("a sweep of 100, queued", lambda _: client.post("/api/v1/sweeps", json=body))
    _tell("a sweep of 1,000, queued", lambda _: client.post("/api/v1/sweeps", json=body | {"seeds": 100}))


def _get(client: TestClient, path: str, query: dict[str, Any]) -> httpx.Response:
    return client.get(f"/api/v1/compare/{path}", params=query)


def _tell(what: str, ask: Callable[[int], httpx.Response]) -> None:
    counter = iter(range(1_000))
    answer = ask(next(counter))
    assert answer.is_success, answer.text
    size = f"{len(answer.content) / 1e3:,.0f} kB"  # before compression: copies of one run would shrink too well
    taken = [timed(lambda: ask(next(counter))).clock for _ in range(TIMES)]
    print(f"{what:44}{median(taken):7.0f} [{min(taken):.0f}, {max(taken):.0f}] ms   {size}", flush=True)


if __name__ == "__main__":
    main()
