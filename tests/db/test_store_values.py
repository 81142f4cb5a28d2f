"""What the table of runs asks of the store, on either database: values, counts by state, and all values of a column."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from db import Run, Store
from db.filters import Compared, OfConfig, OfMetric, OfRun, Subject
from db.schema import metrics
from db.values import MOST_NAMED
from tests.db.making import WORKER

SUBJECTS: tuple[Subject, ...] = (
    OfConfig("neq.epsilon"),
    OfMetric("val/loss", "minimum"),
    OfRun("tags"),
    OfConfig("pin"),
    OfRun("created_at"),
    OfMetric("val/loss", "last"),
    OfRun("archived"),
    OfConfig("nobody"),
)
STOPPED = Compared(OfRun("state"), "in", ("stopped",))


@pytest.fixture
def made(store: Store) -> list[Run]:
    """Three runs, newest first: the oldest with a metric, the newest stopped."""
    ids = [
        store.create_run(name=f"run {place}", config={"neq": {"epsilon": epsilon}, "pin": True}, epochs_planned=1).id
        for place, epsilon in enumerate((0.001, "low", None))
    ]
    row = {"points": 1, "merged": 0, "chunks": 1, "last": 2.0, "last_step": 0, "minimum": 1.0, "maximum": 9.0}
    with store._database.writing() as connection:
        connection.execute(insert(metrics).values(run_id=ids[0], name="val/loss", **row))
    store.describe_run(ids[0], tags=("b", "a"))
    store.request_stop(ids[2])
    return [store.run(run_id) for run_id in reversed(ids)]


def test_values_are_in_the_order_that_was_asked_for(store: Store, made: list[Run]) -> None:
    none, _, first = made
    found = store.values_of([first.id, none.id, "nobody"], SUBJECTS)
    assert found[first.id] == [0.001, 1.0, ("b", "a"), "true", first.created_at, 2.0, False, None]
    assert found[none.id] == [None, None, (), "true", none.created_at, None, False, None]
    assert found["nobody"] == [None] * len(SUBJECTS)
    assert first.created_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("most", [0, MOST_NAMED])
def test_a_table_has_the_values_of_all_runs_that_match(
    store: Store, made: list[Run], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.values.MOST_NAMED", most)
    none, low, first = made
    table = store.value_table(SUBJECTS)
    assert (table.ids, table.names, table.states) == (
        (none.id, low.id, first.id),
        ("run 2", "run 1", "run 0"),
        ("stopped", "queued", "queued"),
    )
    rows = list(zip(*table.columns, strict=True))
    expected = store.values_of(table.ids, SUBJECTS)
    assert rows == [tuple(expected[run_id]) for run_id in table.ids]
    of_stopped = store.value_table(SUBJECTS[:1], where=STOPPED)
    assert (of_stopped.ids, of_stopped.columns) == ((none.id,), [[None]])
    assert store.value_table((), search="nobody").ids == ()
    assert [len(column) for column in store.value_table(SUBJECTS, state="running").columns] == [0] * len(SUBJECTS)


def test_states_are_counted_of_what_is_asked_for(store: Store, made: list[Run]) -> None:
    worker = store.register_worker(**WORKER)
    assert store.claim(worker.id) is not None
    assert store.count_states() == {"queued": 1, "running": 1, "stopped": 1}
    assert store.count_states(where=STOPPED) == {"stopped": 1}
    assert store.count_states(search="RUN 0", tag="a") == {"running": 1}
    assert store.count_states(archived=True) == {}
