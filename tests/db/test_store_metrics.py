"""Metrics: stored in chunks, read as they were told, whatever the chunks are."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import Checkpoint, EventRecord, MetricPoints, NewRun, RetainedCheckpoints, Run, Store, event_record
from db.metrics import CHUNK, MOST_CHUNKS
from tests.db.making import WORKER, ended, epoch_finished, now, started

Values = list[float]


def points(name: str, values: Values, first: int = 0, epoch: int | None = 0) -> MetricPoints:
    """Points whose steps count on from a place; a second apart."""
    number = len(values)
    return MetricPoints(
        name,
        steps=np.arange(first, first + number),
        epochs=np.full(number, -1 if epoch is None else epoch, np.int32),
        times=1e9 + np.arange(first, first + number),
        values=np.array(values, np.float64),
    )


def log(store: Store, run: Run, worker_id: str, *told: MetricPoints) -> None:
    """As an event that brings them."""
    payload = {"kind": "metrics_logged", "series": [{"name": each.name, "points": each.steps.size} for each in told]}
    store.append(run.id, worker_id, EventRecord(kind="metrics_logged", payload=payload, at=now(), points=told))


def test_points_come_back_as_they_were_told(store: Store, worker_id: str, run: Run) -> None:
    log(store, run, worker_id, points("val/loss", [0.5, float("nan"), float("inf")]), points("a", [1.0], epoch=None))
    log(store, run, worker_id, points("val/loss", [0.25, 1e-300], first=3, epoch=1))
    found = store.metric_points(run.id, "val/loss")
    assert found.values.tobytes() == np.array([0.5, np.nan, np.inf, 0.25, 1e-300]).tobytes()
    assert found.steps.tolist() == [0, 1, 2, 3, 4] and found.epochs.tolist() == [0, 0, 0, 1, 1]
    assert found.times.tolist() == [1e9, 1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4]
    assert store.metric_points(run.id, "a").epochs.tolist() == [-1]
    assert store.metric_points(run.id, "none").steps.size == 0


def test_what_the_table_shows_is_kept_beside_them(store: Store, worker_id: str, run: Run) -> None:
    log(store, run, worker_id, points("x", [3.0, -1.0, float("nan")]), points("never", [float("nan")], epoch=None))
    log(store, run, worker_id, points("x", [2.0], first=3, epoch=7))
    never, x = store.metrics(run.id)
    assert (x.name, x.points, x.last, x.last_step, x.last_epoch) == ("x", 4, 2.0, 3, 7)
    assert (x.minimum, x.maximum) == (-1.0, 3.0)
    assert (never.last, never.minimum, never.maximum, never.last_epoch) == (None, None, None, None)


def test_the_greatest_step_is_found_wherever_it_is_among_the_points(store: Store, worker_id: str, run: Run) -> None:
    assert store.greatest_step(run.id) is None
    log(store, run, worker_id, points("x", [0.0] * 9), points("system/x", [0.0], first=10**6))
    log(store, run, worker_id, points("x", [0.0] * (2 * CHUNK), first=2**40), points("y", [0.0] * 3))
    for place in range(MOST_CHUNKS + 1):
        log(store, run, worker_id, points("x", [0.0], first=place))
    assert store.greatest_step(run.id) == 2**40 + 2 * CHUNK - 1


def test_one_at_a_time_is_few_chunks_and_nothing_is_lost(
    store: Store, worker_id: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of one point each are merged now and then; full chunks, here smaller ones, are left alone."""
    monkeypatch.setattr("db.metrics.CHUNK", 4 * MOST_CHUNKS)
    number = 6 * MOST_CHUNKS + 5
    for place in range(number):
        log(store, run, worker_id, points("x", [float(place)], first=place))
    assert store.metric_points(run.id, "x").values.tolist() == list(map(float, range(number)))
    assert chunks_of(store, run.id) <= MOST_CHUNKS + 2


def chunks_of(store: Store, run_id: str) -> int:
    with store._database.reading() as connection:
        found = connection.exec_driver_sql(f"SELECT count(*) FROM metric_points WHERE run_id = '{run_id}'")
        return int(found.scalar_one())


@given(sizes=st.lists(st.integers(0, 3 * CHUNK), min_size=1, max_size=6), first=st.integers(0, 10 * CHUNK))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sizes_of_parts_are_read_from_any_place(store: Store, sizes: list[int], first: int) -> None:
    worker = store.register_worker(**WORKER)
    store.create_run(config={}, epochs_planned=1)
    run = store.claim(worker.id)
    assert run is not None
    begun = 0
    for size in sizes:
        log(store, run, worker.id, points("x", list(np.arange(begun, begun + size, dtype=float)), first=begun))
        begun += size
    assert store.metric_points(run.id, "x", first).values.tolist() == list(map(float, range(first, begun)))


def test_an_epochs_own_figures_are_metrics(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, started())
    for epoch, accuracy in enumerate((0.25, None)):
        payload = {
            "kind": "epoch_finished",
            "epoch": epoch,
            "learning_rate": 0.1,
            "train_loss": float("nan"),
            "test_accuracy": accuracy,
            "scores": {"top5": 0.75},
            "applied_fraction": 0.0,
            "frozen_fraction": 0.5,
            "layers": {"frozen": [1, 2]},
            "seconds": {"train": 2.0},
            "samples": 50,
            "flops": {"forward": 10, "inputs": 20, "weights": 30},
        }
        store.append(run.id, worker_id, event_record(payload))
    found = {metric.name: metric for metric in store.metrics(run.id)}
    assert found.keys() == {
        "learning_rate",
        "train_loss",
        "test_accuracy",
        "applied_fraction",
        "frozen_fraction",
        "top5",
    }
    accuracy = store.metric_points(run.id, "test_accuracy")
    assert (accuracy.values.tolist(), accuracy.epochs.tolist()) == ([0.25], [0]), "what was not told is no point"
    assert found["train_loss"].last is None and found["train_loss"].points == 2


def test_a_fork_has_its_parents_metrics_up_to_its_beginning(store: Store, worker_id: str, run: Run) -> None:
    store.append(run.id, worker_id, started())
    for epoch in range(3):
        log(store, run, worker_id, points("x", [1.0 * epoch], first=epoch, epoch=epoch))
        files = tuple(Checkpoint(each, f"{run.id}/{each}.pt", 1) for each in range(epoch + 1))
        store.append(run.id, worker_id, replace(epoch_finished(epoch), kept=RetainedCheckpoints("a", files)))
    fork = store.fork(run.id, 1, NewRun(config={}, epochs_planned=9), words="from there")
    assert store.metric_points(fork.id, "x").values.tolist() == [0.0, 1.0]
    assert store.metric_points(run.id, "x").values.tolist() == [0.0, 1.0, 2.0]


def test_metrics_go_with_their_run(store: Store, worker_id: str, run: Run) -> None:
    log(store, run, worker_id, points("x", [1.0]))
    store.append(run.id, worker_id, ended("stopped"))
    store.delete_run(run.id)
    assert chunks_of(store, run.id) == 0 and store.metrics(run.id) == []
