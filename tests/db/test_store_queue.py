"""The order in which workers take runs: priority, place, and runs that are held."""

from dataclasses import replace

import pytest

from db import Checkpoint, NewRun, NotQueued, RetainedCheckpoints, Run, Store, UnknownRun
from tests.db.making import WORKER, epoch_finished, started


def queued(store: Store, count: int, **more: int) -> list[Run]:
    return store.create_runs([NewRun(config={}, epochs_planned=1, name=str(number), **more) for number in range(count)])  # type: ignore[arg-type]


def taken(store: Store) -> list[str]:
    """All that a worker is given, in order."""
    worker = store.register_worker(**WORKER).id
    return [run.id for run in iter(lambda: store.claim(worker), None)]


def ids(runs: list[Run]) -> list[str]:
    return [run.id for run in runs]


def test_runs_queued_at_once_are_taken_in_their_order_and_before_later_ones(store: Store) -> None:
    first = queued(store, 100)
    later = store.create_run(config={}, epochs_planned=1)
    assert [run.id for run in store.runs(limit=200).items] == [later.id, *reversed(ids(first))]
    assert store.queue() == [*ids(first), later.id] == taken(store)


def test_all_are_queued_or_none(store: Store) -> None:
    good = NewRun(config={}, epochs_planned=1)
    with pytest.raises(ValueError, match="is no tag"):
        store.create_runs([good, NewRun(config={}, epochs_planned=1, tags=("a,b",))])
    assert store.queue() == []


def test_a_higher_priority_is_taken_first_whatever_its_age(store: Store) -> None:
    usual = queued(store, 2)
    (urgent,) = queued(store, 1, priority=1)
    (late,) = queued(store, 1, priority=-10)
    (highest,) = queued(store, 1, priority=10)
    assert store.queue() == [highest.id, urgent.id, *ids(usual), late.id]
    changed = store.prioritise(late.id, 10)
    assert (changed.priority, changed.revision) == (10, late.revision + 1)
    assert store.queue() == [late.id, highest.id, urgent.id, *ids(usual)], "by its age among those of one priority"
    store.prioritise(late.id, 0)
    assert store.queue() == [highest.id, urgent.id, *ids(usual), late.id] == taken(store)


def test_a_run_is_younger_than_all_that_were_queued_at_once_before_it(store: Store) -> None:
    usual = ids(queued(store, 200))  # their places reach two seconds ahead
    (late,) = ids(queued(store, 1, priority=10))
    assert store.queue() == [late, *usual]
    store.prioritise(late, 0)
    assert store.queue() == [*usual, late]


def test_a_held_run_is_passed_over_until_it_is_released(store: Store) -> None:
    first, second = queued(store, 2)
    assert store.hold(first.id, True).held
    assert store.queue() == [second.id] == taken(store)
    assert not store.hold(first.id, False).held
    assert taken(store) == [first.id]


def test_a_run_moves_before_any_other_and_to_the_end(store: Store) -> None:
    a, b, c, d = ids(queued(store, 4))
    store.move(d, before=b)
    assert store.queue() == [a, d, b, c]
    store.move(a, before=None)
    assert store.queue() == [d, b, c, a]
    store.move(c, before=d)
    assert store.queue() == [c, d, b, a] == taken(store)


def test_a_run_takes_the_priority_of_where_it_is_moved(store: Store) -> None:
    (urgent,) = queued(store, 1, priority=5)
    a, b = ids(queued(store, 2))
    assert store.move(b, before=urgent.id).priority == 5
    assert store.queue() == [b, urgent.id, a]
    assert store.move(b, before=a).priority == 0
    assert store.queue() == [urgent.id, b, a]
    assert store.move(urgent.id, before=None).priority == 0
    assert store.queue() == [b, a, urgent.id] == taken(store)


@pytest.mark.parametrize("priority", [-10, 0, 10])
def test_there_is_room_between_any_two_however_often_runs_are_moved_there(store: Store, priority: int) -> None:
    runs = ids(queued(store, 60, priority=priority))
    expected = list(runs)
    for run in runs[2:]:
        store.move(run, before=runs[1])
        expected.remove(run)
        expected.insert(expected.index(runs[1]), run)
        assert store.queue() == expected
    new = store.create_run(config={}, epochs_planned=1).id
    assert store.queue() == ([new, *expected] if priority < 0 else [*expected, new])


def test_a_run_that_is_queued_again_takes_its_old_place(store: Store) -> None:
    first, second = queued(store, 2)
    worker = store.register_worker(**WORKER).id
    assert store.claim(worker)
    store.requeue(first.id, worker, reason="It slept.", remedy="Wake it.")
    assert store.queue() == [first.id, second.id]


def test_what_is_not_queued_has_no_place(store: Store) -> None:
    running, waiting = queued(store, 2)
    store.claim(store.register_worker(**WORKER).id)
    for change in (
        lambda: store.hold(running.id, True),
        lambda: store.prioritise(running.id, 1),
        lambda: store.move(running.id, None),
        lambda: store.move(waiting.id, running.id),
    ):
        with pytest.raises(NotQueued, match="is running, not queued"):
            change()
    with pytest.raises(UnknownRun):
        store.move("nosuchrun0", None)
    assert store.queue() == [waiting.id]


def labelled(store: Store, *labels: str) -> Run:
    return store.create_run(config={"compute": {"labels": list(labels)}}, epochs_planned=1)


def test_a_run_that_asks_for_labels_is_left_to_workers_of_a_cluster(store: Store) -> None:
    asking = labelled(store, "zone=a")
    plain = [labelled(store).id, store.create_run(config={}, epochs_planned=1).id]
    assert ids(store.claimable()) == [asking.id, *plain]
    assert taken(store) == plain
    assert store.run(asking.id).state == "queued"


def test_those_that_may_be_claimed_come_page_by_page_in_the_order_of_the_queue(store: Store) -> None:
    runs = queued(store, 5)
    (urgent,) = queued(store, 1, priority=1)
    store.hold(runs[1].id, True)
    first = store.claimable(limit=2)
    second = store.claimable(after=first[-1], limit=2)
    assert ids(first + second) == [urgent.id, runs[0].id, runs[2].id, runs[3].id]
    assert ids(store.claimable(after=second[-1], limit=2)) == [runs[4].id]


def test_a_run_is_claimed_by_its_id_once(store: Store) -> None:
    first, second = queued(store, 2)
    worker, other = (store.register_worker(**WORKER).id for _ in range(2))
    claimed = store.claim_run(second.id, worker)
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.writer_id) == (second.id, "running", worker)
    assert claimed.revision == second.revision + 1
    assert store.claim_run(second.id, other) is None
    assert ids(store.claimable()) == [first.id]


def test_a_run_that_waits_no_more_is_not_claimed_by_its_id(store: Store, worker_id: str) -> None:
    held, stopped, deleted, elsewhere = queued(store, 4)
    store.hold(held.id, True)
    store.request_stop(stopped.id)
    store.delete_run(deleted.id)
    claimed = store.claim_run(elsewhere.id, worker_id, "theirs")
    assert claimed is not None
    store.append(elsewhere.id, worker_id, started())
    kept = replace(epoch_finished(0), kept=RetainedCheckpoints("theirs", (Checkpoint(0, "a/b.pt", 1),)))
    store.append(elsewhere.id, worker_id, kept)
    store.requeue(elsewhere.id, worker_id, reason="cut", remedy="")
    gone = [store.claim_run(each.id, worker_id, "ours") for each in (held, stopped, deleted, elsewhere)]
    assert gone == [None] * 4
    assert store.claim_run(elsewhere.id, worker_id, "theirs") is not None
