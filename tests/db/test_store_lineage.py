"""Which forks there are, and which runs have no epoch of their own."""

import pytest

from db import NewRun, Run, Store
from db.lineage import Descent
from tests.db.test_store_going_on import SHELF, epoch_kept, forked, trained

pytestmark = pytest.mark.slow


def test_forks_are_told_with_what_they_were_forked_from(store: Store, worker_id: str, run: Run) -> None:
    store.begin_external("script", "w", NewRun(config={}, epochs_planned=None), 10)
    assert store.untrained() == [run.id], "of a script it is not known whether it tells of epochs"
    trained(store, worker_id, run, 2)
    fork, other = forked(store, run.id, 1), forked(store, run.id, 1)
    assert store.descents() == [
        Descent(each.id, run.id, each.created_at, {"seed": 1}, {"seed": 0}) for each in (fork, other)
    ]
    assert set(store.untrained()) == {fork.id, other.id}
    assert (claimed := store.claim(worker_id, SHELF)) is not None and claimed.id == fork.id
    store.append(fork.id, worker_id, epoch_kept(fork.id, 2))
    assert store.untrained() == [other.id]


def test_forks_of_a_deleted_run_are_still_told(store: Store, worker_id: str, run: Run) -> None:
    trained(store, worker_id, run, 2)
    fork = forked(store, run.id, 1)
    with store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET state = 'finished'")
    store.delete_run(run.id)
    (descent,) = store.descents()
    assert (descent.id, descent.parent_id, descent.parent_config) == (fork.id, run.id, None)
