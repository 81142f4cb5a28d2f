"""A file that is damaged, wherever that is, is told in one sentence with the cause and the remedy."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from db import Store, StoreUnreachable
from tests.server.recording import Recording


def damage(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    "statements",
    [
        ("PRAGMA writable_schema=ON", "UPDATE sqlite_master SET sql = CAST(x'fffefd' AS TEXT) WHERE name = 'runs'"),
        ("PRAGMA writable_schema=ON", "UPDATE sqlite_master SET name = CAST(x'fffefd' AS TEXT) WHERE name = 'runs'"),
        ("PRAGMA writable_schema=ON", "UPDATE sqlite_master SET sql = 'CREATE TABLE' WHERE name = 'alembic_version'"),
        ("PRAGMA writable_schema=ON", "UPDATE sqlite_master SET rootpage = 99999 WHERE name = 'alembic_version'"),
    ],
)
def test_a_damaged_schema_does_not_open(tmp_path: Path, statements: tuple[str, ...]) -> None:
    path = tmp_path / "neq.db"
    Store.open(f"sqlite:///{path}").close()
    damage(path, *statements)
    with pytest.raises(StoreUnreachable) as refused:
        store = Store.open(f"sqlite:///{path}")
        try:
            store.runs()
        finally:
            store.close()
    assert "\n" not in str(refused.value)
    assert "copy" in str(refused.value) or "does not respond" in str(refused.value)


@pytest.mark.parametrize(
    "garbage", [b"", b"SQLite format 3\0", b"SQLite format 3\0" + b"\xff" * 4_000, b"no database" * 99]
)
def test_a_file_that_is_no_database_does_not_open(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "neq.db"
    path.write_bytes(garbage)
    if not garbage:
        Store.open(f"sqlite:///{path}").close()  # an empty file is a new database
        return
    with pytest.raises(StoreUnreachable):
        Store.open(f"sqlite:///{path}")


READS: dict[str, tuple[str, Callable[[Store, str], object]]] = {
    "a name that is no text": ("UPDATE runs SET name = CAST(x'fffe' AS TEXT)", lambda store, run: store.run(run)),
    "a config that is no JSON": ("UPDATE runs SET config = '{'", lambda store, run: store.run(run)),
    "a date that is none": ("UPDATE runs SET created_at = 'yesterday'", lambda store, run: store.runs()),
    "an event that is no JSON": (
        "UPDATE events SET payload = '{\"a\":'",
        lambda store, run: store.events_after(run, 0),
    ),
    "columns that do not inflate": (
        "UPDATE events SET layers = x'00112233' WHERE layers IS NOT NULL",
        lambda store, run: store.events_after(run, 0),
    ),
    "counts of a wrong length": (
        "UPDATE epochs SET frozen_counts = x'001122'",
        lambda store, run: store.frozen_counts(run),
    ),
    "layers without their names": (
        "UPDATE events SET payload = '{}' WHERE kind = 'run_started'",
        lambda store, run: store.layers(run),
    ),
}


@pytest.mark.parametrize("what", READS)
def test_a_damaged_value_is_told_with_its_cause(tmp_path: Path, what: str) -> None:
    path = tmp_path / "neq.db"
    store = Store.open(f"sqlite:///{path}")
    recording = Recording(store)
    recording.start()
    recording.epoch()
    statement, read = READS[what]
    damage(path, statement)
    with pytest.raises(StoreUnreachable, match=r"is damaged: \w+|does not respond") as refused:
        read(store, recording.id)
    assert "\n" not in str(refused.value)
    store.close()


def test_what_is_written_back_from_a_damaged_row_is_told_too(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'neq.db'}")
    run = store.create_run(config={}, epochs_planned=1)
    damage(tmp_path / "neq.db", "UPDATE runs SET config = '{'")
    with pytest.raises(StoreUnreachable, match="is damaged: JSONDecodeError"):
        store.request_stop(run.id)
    store.close()
