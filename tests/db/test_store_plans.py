"""How SQLite goes about the store's questions: by its indexes, never through all rows of a table that grows."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from db import NewRun, Run, Store
from tests.db.making import WORKER, ended, epoch_finished, logged, started

Plan = list[str]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store on SQLite: PostgreSQL plans by what a table holds, and reads small ones whole."""
    store = Store.open(f"sqlite:///{tmp_path / 'neq.db'}")
    yield store
    store.close()


@pytest.fixture
def recorded(store: Store) -> Run:
    """A run with an epoch, still running."""
    worker = store.register_worker(**WORKER)
    store.create_run(config={}, epochs_planned=3)
    run = store.claim(worker.id)
    assert run is not None
    for entry in (started(), epoch_finished(0), logged("x")):
        store.append(run.id, worker.id, entry)
    return store.run(run.id)


def plans_of(store: Store, ask: Any) -> Plan:
    """The steps of every statement that the question sends."""
    engine = store._database.engine
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _u: Any, statement: str, parameters: Any, _x: Any, _m: Any) -> None:
        sent.append((statement, parameters[0] if _m else parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    steps = []
    with engine.connect() as connection:
        for statement, parameters in sent:
            if statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                steps += [row.detail for row in plan]
    return steps


def whole_scans(plan: Plan) -> Plan:
    """Steps that walk through a table, or sort all they found; `steps` is the query's own short list."""
    return [step for step in plan if re.match(r"SCAN (?!steps|CONSTANT)|USE TEMP B-TREE FOR ORDER BY", step)]


QUESTIONS = {
    "run": lambda s, r: s.run(r.id),
    "describe": lambda s, r: s.describe_run(r.id, name="n"),
    "stop": lambda s, r: s.request_stop(r.id),
    "claim": lambda s, r: s.claim(r.writer_id),
    "heartbeat": lambda s, r: s.heartbeat(r.id, r.writer_id),
    "silent": lambda s, r: s.requeue_silent(60),
    "give back": lambda s, r: s.requeue_silent(-1),
    "append an epoch": lambda s, r: s.append(r.id, r.writer_id, epoch_finished(1)),
    "append an end": lambda s, r: s.append(r.id, r.writer_id, ended()),
    "events": lambda s, r: s.events_after(r.id, 1),
    "log": lambda s, r: s.events_after(r.id, 1, kinds=("logged",)),
    "epochs": lambda s, r: s.epochs_after(r.id, 1),
    "layers": lambda s, r: s.layers(r.id),
    "frozen": lambda s, r: s.frozen_counts(r.id),
    "greatest step": lambda s, r: s.greatest_step(r.id),
    "last sample": lambda s, r: s.last_sample(r.id),
    "history": lambda s, r: s.layer_history(r.id, 0, "phi", 0, 9),
    "one epoch": lambda s, r: s.snapshots_at(r.id, 0),
    "sparkline": lambda s, r: s.frozen_sparkline([r.id]),
    "runs in a state": lambda s, r: s.runs(state="running"),
    "queue": lambda s, r: s.queue(),
    "runs of a group": lambda s, r: s.runs(group="g"),
    "new runs": lambda s, r: s.create_runs([NewRun(config={"a": 1}, epochs_planned=1)]),
    "delete": lambda s, r: s.delete_run(s.create_run(config={"a": 1}, epochs_planned=1).id),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_answered_by_index(store: Store, recorded: Run, name: str) -> None:
    plan = plans_of(store, lambda: QUESTIONS[name](store, recorded))
    assert plan and whole_scans(plan) == []


def test_pages_walk_an_index_in_order_and_stop_when_full(store: Store, recorded: Run) -> None:
    for _ in range(3):
        store.create_run(config={}, epochs_planned=1)
    cursor = store.runs(limit=2).next
    assert plans_of(store, lambda: store.runs(limit=2)) == ["SCAN runs USING INDEX runs_created_at_id"]
    (step,) = plans_of(store, lambda: store.runs(limit=2, cursor=cursor))
    assert re.match(r"SEARCH runs USING INDEX runs_created_at_id \(.*created_at.*<", step)


def test_this_check_can_fail(store: Store, recorded: Run) -> None:
    with store._database.writing() as connection:
        connection.exec_driver_sql("DROP INDEX events_run_id_kind_seq")
        connection.exec_driver_sql("DROP INDEX runs_state_created_at_id")
        connection.exec_driver_sql("DROP INDEX runs_state_queue_rank_id")
    assert whole_scans(plans_of(store, lambda: store.claim("w")))
