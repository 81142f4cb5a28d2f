"""The schema: migrated whenever a store is opened, from whatever came before."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from db import Store, StoreNewer, StoreUnreachable
from db.database import Database
from db.migration import alembic_config
from db.schema import metadata
from tests.db.making import WORKER, started

SCHEMAS = Path(__file__).with_name("schemas")
CHECKPOINTS_KEPT = {"0001": [], **{f"{schema:04}": [2] for schema in range(2, 9)}}


def differences(url: str) -> list[object]:
    """What Alembic finds different between the database and the tables in db/schema.py."""
    database = Database(url)
    try:
        with database.reading() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            return list(compare_metadata(context, metadata))
    finally:
        database.close()


def test_a_new_database_gets_exactly_the_tables_of_the_schema(url: str) -> None:
    Store.open(url).close()
    assert differences(url) == []


def test_the_comparison_finds_a_missing_index(url: str) -> None:
    Store.open(url).close()
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("DROP INDEX events_run_id_kind_seq"))
    database.close()
    assert len(differences(url)) == 1


def test_check_constraints_are_migrated_too(url: str) -> None:
    """Alembic does not compare them: so here by name."""
    Store.open(url).close()
    database = Database(url)
    with database.reading() as connection:
        inspector = inspect(connection)
        found = {str(check["name"]) for table in metadata.tables for check in inspector.get_check_constraints(table)}
    database.close()
    assert found == {
        "checks_state",
        "runs_source",
        "runs_state",
        "snapshots_divergence_floats",
        "snapshots_applied_bits",
        "snapshots_frozen_bits",
        "snapshots_phi_floats",
        "snapshots_velocity_floats",
    }


def test_opening_again_changes_nothing(url: str) -> None:
    store = Store.open(url)
    run = store.create_run(name="kept", config={}, epochs_planned=1)
    store.close()
    store = Store.open(url)
    assert store.run(run.id) == run
    store.close()


@pytest.mark.parametrize("dump", sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def test_a_file_of_every_released_schema_is_upgraded_with_its_data(dump: Path, tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text())
    url = f"sqlite:///{path}"
    store = Store.open(url)
    assert differences(url) == []
    (run,) = store.runs().items
    assert (run.id, run.name, run.tags, run.state) == ("keptrun001", "kept", ("old", "ä"), "finished")
    assert (run.epochs_done, run.config["training"]["epochs"]) == (3, 3)
    kinds = ["run_started", "epoch_finished", "epoch_finished", "epoch_finished", "run_finished"]
    assert [event.kind for event in store.events_after(run.id, 0)] == kinds
    assert store.epochs_after(run.id)[2].payload["layers"]["frozen"] == [2, 2]
    assert store.layer_history(run.id, 1, "frozen").values.tolist() == [
        [False] * 3,
        [True, False, False],
        [True, True, False],
    ]
    assert store.layer_history(run.id, 0, "velocity").values[1, 2] == pytest.approx(-1.002)
    assert [checkpoint.epoch for checkpoint in store.checkpoints(run.id)] == CHECKPOINTS_KEPT[dump.stem]
    assert (run.can_resume, run.interruptions) == (bool(CHECKPOINTS_KEPT[dump.stem]), 0)
    fresh = store.create_run(config={}, epochs_planned=1)
    worker = store.register_worker(**WORKER)
    assert store.claim(worker.id) is not None
    assert store.append(fresh.id, worker.id, started()) == 1
    store.close()


def test_a_file_is_kept_for_every_schema() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    known = sorted(script.revision for script in scripts.walk_revisions())
    assert known == sorted(path.stem for path in SCHEMAS.glob("*.sql"))


def test_a_newer_database_is_left_alone_with_a_clear_error(url: str) -> None:
    Store.open(url).close()
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    database.close()
    with pytest.raises(StoreNewer, match=r"newer version.*0999.*Update the program"):
        Store.open(url)


OPENING = """
import sys
import alembic.command
from db import Store
print("ready", flush=True)
sys.stdin.readline()
Store.open(sys.argv[1]).create_run(config={}, epochs_planned=1)
"""


@pytest.mark.process
def test_processes_that_open_a_new_database_at_once_do_not_collide(url: str) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([sys.executable, "-c", OPENING, url], **pipes) for _ in range(4)]  # type: ignore[call-overload]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    complaints = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, complaints
    store = Store.open(url)
    assert len(store.runs().items) == 4
    store.close()


def test_threads_that_open_a_new_database_at_once_do_not_collide(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for store in pool.map(Store.open, [url] * 4):
            store.close()
    assert differences(url) == []


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("mysql://localhost/neq", "'mysql' is not supported"),
        ("no address", "cannot be read"),
        ("sqlite://", "SQLite needs a file"),
        ("sqlite:///:memory:", "SQLite needs a file"),
        ("sqlite:////proc/neq/neq.db", "folder"),
        ("postgresql://u:secret@127.0.0.1:1/neq", "Check that it is running"),
    ],
)
def test_a_database_that_cannot_be_opened_says_what_to_do_and_no_password(url: str, remedy: str) -> None:
    with pytest.raises(StoreUnreachable) as caught:
        Store.open(url)
    assert remedy in str(caught.value) and "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_named_so(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database\n" * 100)
    with pytest.raises(StoreUnreachable, match="Name another file"):
        Store.open(f"sqlite:///{path}")
    assert path.read_text().startswith("not a database")


def test_the_short_name_of_postgresql_is_understood_and_its_driver_chosen() -> None:
    for url in ("postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"):
        assert Database(url).engine.dialect.driver == "psycopg"
