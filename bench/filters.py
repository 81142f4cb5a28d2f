"""Finding and sorting runs: how long does the server take over many?

    python bench/filters.py [--runs 10000] [--url postgresql://…]

Every run has a config of 80 settings and four metrics; the database is new (`--url`: an empty one of PostgreSQL).
Times are medians, with the range, of answers of 100 rows made anew in this process, JSON included, and of the store's
part alone: runs found, and counted.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import insert

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.machine import machine
from bench.pairs import timed
from db import Store
from db.schema import metrics, runs, settings
from db.settings import leaves
from server.app import create_app
from server.filters import read_sort, read_where, stored_filter
from server.settings import ServerSettings

A_PAGE = 100
AT_ONCE = 500
TIMES = 15
SETTINGS = 80
TARGET_MILLISECONDS = 200
ASKED: dict[str, dict[str, Any]] = {
    "first page": {},
    "first page, counted": {"offset": 0},
    "page at 9,000": {"offset": 9_000},
    "a setting, half of the runs": {"where": "optimizer.kind = sgd"},
    "a setting, 1 in 100": {"where": "seed = 7"},
    "a setting, none": {"where": "seed = -1"},
    "a setting's text holds": {"where": "model.note ~ 'NOTE 77'"},
    "a name holds, beyond ASCII": {"where": "name ~ 'ÜBUNG 77'"},
    "a metric's last": {"where": "metric.val/accuracy > 0.99"},
    "a metric's best": {"where": "metric.val/accuracy.best > 0.99"},
    "a metric's best, nearly all": {"where": "metric.val/accuracy.best > 0.01"},
    "two of each and a not": {
        "where": "optimizer.kind = sgd and neq.epsilon <= 0.001 and metric.val/loss.best < 0.5 "
        "and not (state = failed or metric.val/accuracy < 0.3)"
    },
    "sorted by a metric's best": {"sort": "-metric.val/accuracy.best"},
    "sorted by a setting": {"sort": "neq.epsilon"},
    "sorted by a setting and a metric, filtered": {
        "where": "optimizer.kind = sgd",
        "sort": "neq.epsilon,-metric.val/accuracy.best",
    },
}
GROUPED: dict[str, dict[str, Any]] = {
    "grouped by a setting": {"by": "neq.epsilon", "fields": "metric.val/accuracy.best,metric.val/loss,seed"},
    "grouped, ten columns": {
        "by": "neq.epsilon,optimizer.kind",
        "fields": ",".join(
            [*(f"more.setting_{index}" for index in range(7)), "metric.val/accuracy", "epochs", "state"]
        ),
        "sort": "-metric.val/accuracy.best",
    },
    "grouped by a setting, filtered": {"by": "seed", "where": "optimizer.kind = sgd", "fields": "metric.val/accuracy"},
    "as many groups as runs": {"by": "name", "fields": "metric.val/accuracy", "sort": "-metric.val/accuracy"},
}
METRICS = ("val/accuracy", "val/loss", "train/loss", "test_accuracy")


def rows(number: int) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]]:
    """Rows of runs, of their settings and of their metrics, run by run."""
    chosen = random.Random(0)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for place in range(number):
        run_id = f"{place:010}"
        config: dict[str, Any] = {
            "seed": place % 100,
            "optimizer": {"kind": chosen.choice(["sgd", "adam"])},
            "neq": {"epsilon": chosen.choice([1e-4, 1e-3, 1e-2])},
            "model": {"note": f"a note {place} of some length, as a path or a description has it"},
        }
        config["more"] = {f"setting_{index}": chosen.random() for index in range(SETTINGS - 4)}
        run = {
            "id": run_id,
            "revision": 1,
            "state": chosen.choice(["finished", "failed", "stopped"]),
            "created_at": begin + timedelta(minutes=place),
            "stop_requested": False,
            "last_seq": 0,
            "epochs_planned": 10,
            "epochs_done": 0,
            "name": f"Übung {place}",
            "tags": ("odd",) * (place % 2),
            "config": config,
            "notes": "",
            "searchable": f"{run_id}\nübung {place}",
        }
        told = [
            {"run_id": run_id, "name": name, "points": 1, "merged": 0, "chunks": 1, "last_step": 0}
            | {"last": chosen.random(), "minimum": chosen.random(), "maximum": chosen.random()}
            for name in METRICS
        ]
        of_config = [dict(zip(("path", "text", "number"), leaf, strict=True), run_id=run_id) for leaf in leaves(config)]
        yield run, of_config, told


def fill(store: Store, number: int) -> None:
    """Writes them, some hundred runs in a transaction."""
    waiting: list[Any] = []
    for row in rows(number):
        waiting.append(row)
        if len(waiting) == AT_ONCE:
            write(store, waiting)
            waiting = []
    if waiting:
        write(store, waiting)


def write(store: Store, waiting: Sequence[Any]) -> None:
    """Writes rows in one transaction."""
    with store._database.writing() as connection:
        connection.execute(insert(runs), [run for run, _, _ in waiting])
        connection.execute(insert(settings), [row for _, of_config, _ in waiting for row in of_config])
        connection.execute(insert(metrics), [row for _, _, told in waiting for row in told])


def measured(call: Callable[[], object]) -> str:
    """Median and range of several calls, the first left out."""
    call()
    taken = [timed(call).clock for _ in range(TIMES)]
    return f"{median(taken):5.0f} [{min(taken):.0f}, {max(taken):.0f}]"


def ask(store: Store, client: TestClient, query: dict[str, Any]) -> tuple[str, str, str, int]:
    """An answer's time, the store's for the page and for the count, and how many runs match."""
    where = stored_filter(read_where(query["where"])) if "where" in query else None
    sort = read_sort(query["sort"]) if "sort" in query else ()

    def answer() -> Any:
        told = client.get("/api/v1/runs", params={**query, "limit": A_PAGE})
        assert told.status_code == 200, told.text
        return json.loads(told.content)

    total = answer()["total"]
    page = measured(lambda: store.runs(where=where, sort=sort, offset=query.get("offset", 0), limit=A_PAGE))
    count = measured(lambda: store.count_runs(where=where))
    return measured(answer), page, count, total


def main() -> None:
    """Prints a line for each question."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=10_000)
    options.add_argument("--url", help="an empty database of PostgreSQL; default: a new SQLite file")
    asked = options.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        url = asked.url or f"sqlite:///{Path(folder) / 'neq.db'}"
        store = Store.open(url)
        fill(store, asked.runs)
        print(
            f"{store.kind}, {asked.runs:,} runs of {SETTINGS} settings; ms, n = {TIMES}; target {TARGET_MILLISECONDS}"
        )
        print(f"{'':44}{'answer of 100':>20}{'page':>20}{'count':>20}   matching")
        with TestClient(
            create_app(store, ServerSettings(database_url=url)), base_url="http://127.0.0.1:8000"
        ) as client:
            for name, query in ASKED.items():
                answer, page, count, total = ask(store, client, query)
                print(f"{name:44}{answer:>20}{page:>20}{count:>20}   {total}", flush=True)
            for name, query in GROUPED.items():
                took = measured(
                    lambda query=query: client.get("/api/v1/runs/grouped", params=query | {"limit": A_PAGE})
                )  # type: ignore[misc]
                print(f"{name:44}{took:>20}", flush=True)
            for name, path in (("fields", "/api/v1/fields"), ("values of a setting", "/api/v1/fields?field=seed")):
                print(f"{name:44}{measured(lambda path=path: client.get(path)):>20}", flush=True)  # type: ignore[misc]
        store.close()


if __name__ == "__main__":
    main()
