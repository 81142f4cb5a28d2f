"""How the databases go about the store's questions: by indexes, never through all rows of a table that grows.

The table of runs may walk through the runs, by an index of theirs, but not through what each of them has many rows of.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from db import NewRun, Run, Store
from db.filters import Compared, Filter, Not, OfConfig, OfMetric, OfMetricAt, OfRun, SortKey, Subject
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
                explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
                plan = connection.exec_driver_sql(f"{explain} {statement}", parameters)
                steps += [str(row[-1]) for row in plan]  # SQLite tells of their numbers first
    return steps


def whole_scans(plan: Plan) -> Plan:
    """Steps that walk through a table, or sort all they found; `steps` is the query's own short list."""
    return [step for step in plan if re.match(r"SCAN (?!steps|CONSTANT)|USE TEMP B-TREE FOR ORDER BY", step)]


QUESTIONS = {
    "run": lambda s, r: s.run(r.id),
    "describe": lambda s, r: s.describe_run(r.id, name="n"),
    "stop": lambda s, r: s.request_stop(r.id),
    "claim": lambda s, r: s.claim(r.writer_id),
    "claim_run": lambda s, r: s.claim_run(r.id, "w"),
    "claimable": lambda s, r: s.claimable("", after=r),
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


SEED, LOSS, LEAST = OfConfig("seed"), OfMetric("val/loss", "last"), OfMetric("val/loss", "minimum")
AT_AN_EPOCH, ACCURACY, NAME = OfMetricAt("val/loss", 3), OfRun("test_accuracy"), OfRun("name")


def _is(subject: Subject) -> Filter:
    return Compared(subject, "in", ("7",) if subject == NAME else (7.0,))


FILTERS: dict[str, Filter] = {
    "a setting": _is(SEED),
    "not a setting": Not(_is(SEED)),
    "a metric": Compared(LOSS, "<", (0.1,)),
    "a metric's least": Compared(LEAST, "<", (0.1,)),
    "a metric at an epoch": _is(AT_AN_EPOCH),
    "accuracy": Compared(ACCURACY, ">", (0.9,)),
    "a name": _is(NAME),
}
OF_THE_TABLE: dict[str, Any] = {
    "first page": lambda s: (s.runs(offset=100, limit=100), s.count_runs(), s.count_states()),
    "search": lambda s: (s.runs(search="77"), s.count_runs(search="77")),
    **{
        name: lambda s, where=where: (s.runs(where=where), s.count_states(where=where))
        for name, where in FILTERS.items()
    },
    **{
        f"sorted by {subject}": lambda s, subject=subject: s.runs(sort=[SortKey(subject), SortKey(NAME, True)])
        for subject in (SEED, LOSS, LEAST, AT_AN_EPOCH, ACCURACY, OfRun("created_at"))
    },
    "columns": lambda s: s.values_of(["a"], (SEED, LOSS, AT_AN_EPOCH, ACCURACY)),
    "grouped": lambda s: s.value_table((SEED, LOSS, AT_AN_EPOCH, ACCURACY)),
    "completion": lambda s: (s.setting_paths("", 9), s.metric_names("", 9), s.frequent_values(SEED, 9)),
    "groups": lambda s: s.groups(),
    "queue": lambda s: s.queue(),
}


LARGER = "settings|metrics|metric_points|epochs|events|snapshots"


def long_walks(plan: Plan) -> Plan:
    """Steps that read whole rows of all runs where an index has what is asked for, or all of a larger table."""
    return [step for step in plan if re.match(rf"SCAN ({LARGER})|SCAN runs$", step)]


@pytest.mark.parametrize("name", OF_THE_TABLE)
def test_the_table_of_runs_is_read_by_index(store: Store, recorded: Run, name: str) -> None:
    plan = plans_of(store, lambda: OF_THE_TABLE[name](store))
    assert plan and long_walks(plan) == []


def test_runs_are_counted_in_an_index_alone(store: Store, recorded: Run) -> None:
    for count in (store.count_runs, store.count_states, lambda: store.count_runs(where=Not(_is(SEED)))):
        assert "SEARCH runs USING COVERING INDEX runs_archived" in plans_of(store, count)[0]


MANY = """
INSERT INTO runs (id, revision, state, created_at, stop_requested, last_seq, epochs_done, name, tags, config, notes,
  searchable) SELECT lpad(n::text, 10, '0'), 1, 'finished', now() - n * interval '1 minute', false, 0, 0, 'run ' || n,
  '', '{"x": "' || repeat('x', 500) || '"}', '', 'run ' || n FROM generate_series(1, 10000) n;
INSERT INTO settings (run_id, path, number) SELECT lpad(n::text, 10, '0'), CASE p WHEN 0 THEN 'seed' ELSE 'p' || p END,
  n %% 100 FROM generate_series(1, 10000) n, generate_series(0, 9) p;
INSERT INTO metrics (run_id, name, points, merged, chunks, last, last_step, minimum, maximum) SELECT
  lpad(n::text, 10, '0'), CASE m WHEN 0 THEN 'val/loss' ELSE 'm' || m END, 1, 0, 1, n / 1e4, 0, n / 1e4, 1
  FROM generate_series(1, 10000) n, generate_series(0, 4) m;
INSERT INTO metric_points (run_id, name, first, points)
  SELECT run_id, name, 0, decode(repeat('00', 28), 'hex') FROM metrics WHERE name = 'val/loss';
"""


@pytest.mark.postgres
def test_postgresql_reads_no_larger_table_whole_for_ten_thousand_runs(postgres_url: str) -> None:
    with closing(Store.open(postgres_url)) as store:
        with store._database.writing() as connection:
            for statement in [*MANY.strip().removesuffix(";").split(";"), "ANALYZE"]:
                connection.exec_driver_sql(statement)
        found = {name: plans_of(store, lambda ask=ask: ask(store)) for name, ask in OF_THE_TABLE.items()}  # type: ignore[misc]
    # Rows of metric_points are short there, since chunks rest elsewhere until they are read: it may walk through those.
    larger = re.compile(rf"Seq Scan on ({LARGER.replace('metric_points|', '')})\b")
    assert {
        name: steps for name, plan in found.items() if (steps := [each for each in plan if larger.search(each)])
    } == {}


def test_pages_walk_an_index_in_order_and_stop_when_full(store: Store, recorded: Run) -> None:
    for _ in range(3):
        store.create_run(config={}, epochs_planned=1)
    cursor = store.runs(limit=2).next
    (step,) = plans_of(store, lambda: store.runs(limit=2))
    assert re.match(r"SEARCH runs USING INDEX runs_archived_created_at\w+ \(archived=\?\)$", step)
    (step,) = plans_of(store, lambda: store.runs(limit=2, cursor=cursor))
    assert re.match(r"SEARCH runs USING INDEX runs_archived_created_at\w+ \(.*created_at.*<", step)


def test_this_check_can_fail(store: Store, recorded: Run) -> None:
    with store._database.writing() as connection:
        connection.exec_driver_sql("DROP INDEX events_run_id_kind_seq")
        connection.exec_driver_sql("DROP INDEX runs_state_created_at_id")
        connection.exec_driver_sql("DROP INDEX runs_state_queue_rank_id")
    assert whole_scans(plans_of(store, lambda: store.claim("w")))
