"""Waiting for what others write."""

import threading
import time
from collections.abc import Iterator

import pytest

from db import Changes, Run, Store
from tests.db.making import logged


@pytest.fixture
def changes(store: Store, run: Run) -> Iterator[Changes]:
    """Waiting begins after the run was claimed."""
    changes = store.changes()
    yield changes
    changes.close()


def test_a_change_is_told_once(changes: Changes, store: Store, worker_id: str, run: Run) -> None:
    assert changes.wait(0.05) is False
    store.append(run.id, worker_id, logged("a"))
    assert changes.wait(5) is True
    assert changes.wait(0.05) is False


def test_a_change_by_another_store_wakes_the_one_who_waits(changes: Changes, url: str) -> None:
    other = Store.open(url)
    timer = threading.Timer(0.2, lambda: other.create_run(config={}, epochs_planned=1))
    timer.start()
    begun = time.monotonic()
    assert changes.wait(20) is True
    assert time.monotonic() - begun < 10
    timer.join()
    other.close()


def test_what_was_refused_is_no_change(changes: Changes, store: Store, run: Run) -> None:
    with pytest.raises(Exception, match="no longer run by"):
        store.append(run.id, "somebody", logged("x"))
    assert changes.wait(0.2) is False


def test_closing_ends_a_wait(changes: Changes) -> None:
    begun = time.monotonic()
    threading.Timer(0.1, changes.close).start()
    assert changes.wait(30) is False
    assert time.monotonic() - begun < 15


def test_deleting_and_queueing_are_changes(changes: Changes, store: Store) -> None:
    run = store.create_run(config={}, epochs_planned=1)
    assert changes.wait(5) is True
    store.delete_run(run.id)
    assert changes.wait(5) is True
