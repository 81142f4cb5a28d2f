"""Checks before launch in the store: asked once, taken once, answered, and never more than a few."""

import pytest

from db import Store, UnknownCheck
from db.checks import MOST_PENDING
from tests.db.making import WORKER

CONFIG = {"training": {"epochs": 3}}


def test_a_check_is_taken_by_one_worker_and_its_answer_is_found(store: Store, worker_id: str) -> None:
    other = store.register_worker(**WORKER).id
    asked = store.ask_check("a" * 64, config=CONFIG, workers=[worker_id, other])
    assert (asked.state, asked.config, asked.answer) == ("pending", CONFIG, None)
    taken = store.claim_check(worker_id)
    assert taken is not None and (taken.id, taken.state, taken.worker_id) == ("a" * 64, "running", worker_id)
    assert store.claim_check(other) is None
    store.answer_check(taken.id, worker_id, "failed", {"errors": [{"field": "model.name", "message": "no"}]})
    found = store.check(taken.id)
    assert (found.state, found.answer) == ("failed", {"errors": [{"field": "model.name", "message": "no"}]})


def test_the_same_question_has_one_answer_as_long_as_it_holds(store: Store, worker_id: str) -> None:
    store.ask_check("a", config=CONFIG, workers=[worker_id])
    store.claim_check(worker_id)
    store.answer_check("a", worker_id, "ok", {"seconds": 1.5})
    again = store.ask_check("a", config=CONFIG, workers=[worker_id])
    assert (again.state, again.answer) == ("ok", {"seconds": 1.5})
    assert store.claim_check(worker_id) is None


def test_a_check_waits_for_the_workers_that_may_take_it(store: Store, worker_id: str) -> None:
    other = store.register_worker(**WORKER).id
    store.ask_check("a", config=CONFIG, workers=[other])
    assert store.claim_check(worker_id) is None
    assert store.claim_check(other) is not None


def test_the_check_that_was_asked_for_last_is_taken_first(store: Store, worker_id: str) -> None:
    for name in ("first", "second", "third"):
        store.ask_check(name, config=CONFIG, workers=[worker_id])
    taken = [store.claim_check(worker_id) for _ in range(3)]
    assert [check and check.id for check in taken] == ["third", "second", "first"]


def test_only_so_many_wait_and_the_oldest_are_dropped(store: Store, worker_id: str) -> None:
    for number in range(MOST_PENDING + 3):
        store.ask_check(f"check-{number}", config=CONFIG, workers=[worker_id])
    for number in range(3):
        with pytest.raises(UnknownCheck, match="request a new one"):
            store.check(f"check-{number}")
    assert store.check("check-3").state == "pending"


def test_an_answer_that_comes_from_another_worker_changes_nothing(store: Store, worker_id: str) -> None:
    store.ask_check("a", config=CONFIG, workers=[worker_id])
    store.claim_check(worker_id)
    store.answer_check("a", "somebody else", "ok", {})
    assert store.check("a").state == "running"


def test_what_a_worker_has_is_read_back(store: Store, worker_id: str) -> None:
    assert store.workers()[0].capabilities is None
    store.describe_worker(worker_id, {"sets": ["cifar10"], "memory_bytes": 2**34})
    assert store.workers()[0].capabilities == {"sets": ["cifar10"], "memory_bytes": 2**34}


def test_the_warnings_of_a_launch_stay_with_the_run(store: Store) -> None:
    said = {"field": "training.batch_size", "message": "All images are one batch."}
    run = store.create_run(config=CONFIG, epochs_planned=3, warnings=[said])
    assert store.run(run.id).warnings == (said,)
    assert store.run(store.create_run(config=CONFIG, epochs_planned=3).id).warnings == ()
