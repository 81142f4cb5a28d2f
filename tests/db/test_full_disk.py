"""A disk that is really full, small as it is: what ends or deletes a run works there, and the rest says why not."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from db import EventRecord, Store, StoreFull
from tests.db.making import WORKER

pytestmark = pytest.mark.process

RESERVE = 400_000
ROOT = Path(__file__).parents[2]


def on_a_small_disk(scene: str, folder: Path) -> None:
    """Runs a function of this module in a process of its own, on a file system of 4 MB that is gone afterwards.

    Root mounts it; others do so in a namespace of their own.
    """
    folder = folder / "disk"
    folder.mkdir()
    code = f"from pathlib import Path; from {__name__} import {scene}; {scene}(Path({str(folder)!r}))"
    steps = 'mount -t tmpfs -o size=4m tmpfs "$1" || exit 1; "$2" -c "$3"; status=$?; umount "$1"; exit $status'
    private = [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    command = [*private, "sh", "-c", steps, "sh", str(folder), sys.executable, code]
    told = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert told.returncode == 0, told.stderr


def fill(folder: Path) -> Path:
    """A file that takes all the room that is left."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def line(text: str = "word " * 200) -> EventRecord:
    return EventRecord(kind="logged", payload={"kind": "logged", "level": "info", "text": text}, at=datetime.now(UTC))


def end(reason: str) -> EventRecord:
    payload = {"kind": "run_failed", "reason": reason, "remedy": "", "details": ""}
    return EventRecord(kind="run_failed", payload=payload, at=datetime.now(UTC), ends="failed", reason=reason)


def stop_and_delete(small_disk: Path) -> None:
    store = Store.open(f"sqlite:///{small_disk / 'neq.db'}")
    assert store.keep_reserve(RESERVE)
    worker = store.register_worker(**WORKER).id
    running, queued, done = (store.create_run(config={}, epochs_planned=1).id for _ in range(3))
    assert store.claim(worker) is not None
    assert store.request_stop(done).state == "stopped"
    filler = fill(small_disk)
    with pytest.raises(StoreFull, match="Free space"):
        for _ in range(2_000):
            store.append(running, worker, line())
    # What people and workers need is still possible, in this order or another.
    assert store.request_stop(running).stop_requested
    assert store.heartbeat(running, worker)
    assert store.append(running, worker, end("The store's disk is full.")) > 0
    assert store.run(running).state == "failed"
    assert store.request_stop(queued).state == "stopped"
    for run_id in (running, queued, done):
        store.delete_run(run_id)
    assert store.runs().items == []
    # The room that is kept for that is not there for anything else.
    assert not store.keep_reserve(RESERVE)
    assert "are left, and kept for stopping and deleting runs" in (store.examine(1).disk or "")
    with pytest.raises(StoreFull, match="stopping and deleting runs"):
        store.create_run(config={}, epochs_planned=1)
    filler.unlink()
    assert store.keep_reserve(RESERVE), "kept anew once there is room"
    assert (small_disk / "neq.db.reserve").stat().st_size == RESERVE
    assert store.create_run(config={}, epochs_planned=1).state == "queued"
    store.close()


def fill_it_again_and_again(small_disk: Path) -> None:
    store = Store.open(f"sqlite:///{small_disk / 'neq.db'}")
    assert store.keep_reserve(RESERVE)
    runs = [store.create_run(config={}, epochs_planned=1).id for _ in range(40)]
    stopped = 0
    for number, run_id in enumerate(runs):
        fill(small_disk).rename(small_disk / f"filled{number}")
        try:
            assert store.request_stop(run_id).state == "stopped"
        except StoreFull as error:
            assert "still works" not in str(error)
            break
        stopped += 1
    assert 4 <= stopped < len(runs), "another program may take what was freed, and more than once"
    assert "are left" in (store.examine(1).disk or "")
    store.close()


def keep_too_much(small_disk: Path) -> None:
    store = Store.open(f"sqlite:///{small_disk / 'neq.db'}")
    assert not store.keep_reserve(100_000_000)
    assert not list(small_disk.glob("*.reserve*"))
    store.close()


def test_runs_can_be_stopped_and_deleted_on_a_full_disk(tmp_path: Path) -> None:
    on_a_small_disk("stop_and_delete", tmp_path)


def test_the_reserve_is_given_up_piece_by_piece(tmp_path: Path) -> None:
    on_a_small_disk("fill_it_again_and_again", tmp_path)


def test_a_reserve_is_not_kept_where_it_would_itself_fill_the_disk(tmp_path: Path) -> None:
    on_a_small_disk("keep_too_much", tmp_path)


def test_a_full_disk_of_postgresql_is_said_and_what_needs_no_room_there_still_works(postgres_url: str) -> None:
    store = Store.open(postgres_url)
    worker = store.register_worker(**WORKER).id
    running, queued = (store.create_run(config={}, epochs_planned=1).id for _ in range(2))
    assert store.claim(worker) is not None
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        for table in ("events", "runs"):
            admin.execute(no_room_in(table))
        for write in (
            lambda: store.append(running, worker, line()),
            lambda: store.create_run(config={}, epochs_planned=1),
        ):
            with pytest.raises(StoreFull) as caught:
                write()
            said = str(caught.value)
            assert "No space left on device" in said and said.endswith("Free space there.") and "\n" not in said
        assert store.request_stop(running).stop_requested
        assert store.heartbeat(running, worker), "the worker hears of it"
        assert store.run(running).state == "running", "what failed has left nothing behind"
        assert store.examine(5).problems == ()
        for table in ("events", "runs"):
            admin.execute(f"DROP TRIGGER full_{table} ON {table}")
    assert store.append(running, worker, end("It was full.")) > 0
    store.delete_run(queued)
    store.close()


def no_room_in(table: str) -> str:
    """Statements after which an insertion fails as on a full disk."""
    return f"""
        CREATE FUNCTION full_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file "base/1": No space left on device' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_{table} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION full_{table}();
    """
