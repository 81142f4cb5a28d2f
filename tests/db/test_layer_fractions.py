"""Dead and churning neurons as metrics: fractions of the neurons that were watched in an epoch."""

from typing import Any

import numpy as np
from sqlalchemy import text

from db import EventRecord, NewRun, Run, Snapshot, Store, event_record
from db.database import Database
from tests.db.making import NEURONS, now, started

OF_LAYERS = ("dead_fraction", "churning_fraction")


def epoch(number: int, **columns: Any) -> EventRecord:
    """An epoch of two layers, of 10 and 3 neurons, with these counts by layer."""
    payload = {
        "kind": "epoch_finished",
        "epoch": number,
        "frozen_fraction": 0.0,
        "layers": {"frozen": [0, 0], "phi_mean": [0.5, 0.5]} | columns,
        "seconds": {"train": 1.0},
    }
    rows = [layer for layer, mean in enumerate(payload["layers"]["phi_mean"]) if mean is not None]
    return event_record(payload, snapshots=map(nothing, rows))


def nothing(layer: int) -> Snapshot:
    """Neurons of which nothing is known."""
    none = np.packbits(np.zeros(NEURONS[layer], bool)).tobytes()
    return Snapshot(layer=layer, neurons=NEURONS[layer], applied=none, frozen=none, velocity=None, divergence=None)


def told(store: Store, run: Run) -> dict[str, list[float]]:
    """The values of both metrics."""
    return {name: store.metric_points(run.id, name).values.tolist() for name in OF_LAYERS}


def test_what_epochs_count_becomes_fractions_of_all_their_neurons(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, started())
    store.append(run.id, worker_id, epoch(0, dead=[2, 1], churning=[0, 0]))
    store.append(run.id, worker_id, epoch(1, dead=None, churning=[10, 3]))
    store.append(run.id, worker_id, epoch(2))
    assert told(store, run) == {"dead_fraction": [3 / 13], "churning_fraction": [0.0, 1.0]}
    dead = store.metric_points(run.id, "dead_fraction")
    assert (dead.steps.tolist(), dead.epochs.tolist()) == ([0], [0])


def test_a_layer_that_nobody_watched_in_the_epoch_does_not_count(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, started())
    store.append(run.id, worker_id, epoch(0, dead=[2, 0], churning=[1, 0], phi_mean=[0.5, None]))
    assert told(store, run) == {"dead_fraction": [0.2], "churning_fraction": [0.1]}


def test_a_watch_that_begins_in_the_same_part_counts_from_its_own_epochs_on(store: Store) -> None:
    run, _ = store.begin_external("r" * 10, "w" * 32, NewRun(config={}, epochs_planned=None), 9)
    watches = [
        EventRecord(kind="watch_started", payload={"kind": "watch_started", "layers": [layer]}, at=now())
        for layer in ({"index": 0, "neurons": 10}, {"index": 1, "neurons": 3})
    ]
    first = epoch(0, frozen=[0], dead=[5], churning=[0], phi_mean=[0.5])
    part = [watches[0], first, watches[1], epoch(1, dead=[5, 3], churning=[0, 0])]
    store.append_part(run.id, "w" * 32, 1, part)
    assert told(store, run)["dead_fraction"] == [0.5, 8 / 13]
    assert store.greatest_step(run.id) is None, "the script itself logged nothing"


def test_epochs_of_an_older_schema_are_told_once_the_store_is_opened(url: str) -> None:
    store = Store.open(url)
    for _ in range(2):
        store.create_run(config={}, epochs_planned=4)
    worker = store.register_worker(name="w", host="h", pid=1, device="auto", slots=2).id
    first, second = store.claim(worker), store.claim(worker)
    assert first is not None and second is not None
    for run in (first, second):
        store.append(run.id, worker, started())
        for number in range(3):
            store.append(run.id, worker, epoch(number, dead=[number, 0], churning=[0, number], phi_mean=[0.5, None]))
    before = [(told(store, run), store.metrics(run.id)) for run in (first, second)]
    store.close()
    make_older(url, second.id)
    store = Store.open(url)
    assert [(told(store, run), store.metrics(run.id)) for run in (first, second)] == before
    store.append(first.id, worker, epoch(3, dead=[10, 0], churning=[0, 0], phi_mean=[0.5, None]))
    assert told(store, first)["dead_fraction"] == [0.0, 0.1, 0.2, 1.0]
    store.close()


def make_older(url: str, keeps: str) -> None:
    """As the schema 0006 had it; but one run's script logged metrics of these names."""
    database = Database(url)
    names = ", ".join(f"'{name}'" for name in OF_LAYERS)
    with database.writing() as connection:
        for table in ("metrics", "metric_points"):
            statement = f"DELETE FROM {table} WHERE run_id <> :keeps AND name IN ({names})"
            connection.execute(text(statement), {"keeps": keeps})
        connection.execute(text("DROP INDEX runs_archived_created_at_id_state_group"))  # of the schema 0008
        connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))
    database.close()
