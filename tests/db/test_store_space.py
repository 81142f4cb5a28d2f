"""Deleted runs give their room back to the disk; readers do not wait for it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db import EventRecord, Store
from tests.db.making import WORKER

pytestmark = pytest.mark.slow

NOISE = [bytes((37 * place + 11 * number) % 251 for place in range(30_000)).hex() for number in range(4)]


def fill(store: Store, runs: int) -> list[str]:
    """So many ended runs, each of about a quarter of a megabyte."""
    worker = store.register_worker(**WORKER).id
    made = []
    for _ in range(runs):
        run_id = store.create_run(config={}, epochs_planned=1).id
        assert store.claim(worker) is not None
        for text in NOISE:
            payload = {"kind": "logged", "level": "info", "text": text}
            store.append(run_id, worker, EventRecord(kind="logged", payload=payload, at=datetime.now(UTC)))
        stopped = {"kind": "run_stopped", "epochs": 0, "reason": ""}
        store.append(
            run_id,
            worker,
            EventRecord(kind="run_stopped", payload=stopped, at=datetime.now(UTC), ends="stopped", reason=""),
        )
        made.append(run_id)
    return made


def size_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


@pytest.mark.parametrize("made_by", ["this version", "an older version"])
def test_half_of_the_runs_deleted_is_half_of_the_file_given_back(tmp_path: Path, made_by: str) -> None:
    path = tmp_path / "neq.db"
    if made_by == "an older version":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    store = Store.open(f"sqlite:///{path}")
    made = fill(store, 24)
    before = size_of(path)
    for run_id in made[::2]:
        store.delete_run(run_id)
    assert size_of(path) > 0.95 * before, "deleting alone gives nothing back"
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        count = reader.execute("SELECT count(*) FROM events").fetchone()
        given = store.give_space_back()
        assert reader.execute("SELECT count(*) FROM events").fetchone() == count, "a reader sees its own state"
        reader.execute("COMMIT")
    assert given > 0.4 * before
    assert size_of(path) < 0.6 * before
    assert len(store.runs().items) == 12
    assert [len(store.events_after(run_id, 0)) for run_id in made[1::2]] == [5] * 12
    assert store.give_space_back() == 0, "there is nothing more"
    store.close()


def test_a_few_free_pages_are_left_alone(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'neq.db'}")
    (made,) = fill(store, 1)
    store.delete_run(made)
    assert store.give_space_back() == 0
    store.close()
