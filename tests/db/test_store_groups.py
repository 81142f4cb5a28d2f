"""Groups, and runs that are put away."""

from db import NewRun, Store
from tests.db.making import WORKER


def grouped(store: Store, group: str | None, count: int) -> list[str]:
    new = [NewRun(config={}, epochs_planned=1, group=group) for _ in range(count)]
    return [run.id for run in store.create_runs(new)]


def test_groups_are_told_with_the_states_of_their_runs_the_newest_first(store: Store) -> None:
    assert store.groups() == []
    first = grouped(store, "ε", 3)
    grouped(store, None, 2)
    grouped(store, "seeds", 1)
    store.claim(store.register_worker(**WORKER).id)
    store.request_stop(first[1])
    told = [
        (group.name, group.runs, {state for state, count in group.states.items() if count}) for group in store.groups()
    ]
    assert told == [("seeds", 1, {"queued"}), ("ε", 3, {"queued", "running", "stopped"})]
    assert store.groups()[1].newest_at == store.run(first[2]).created_at
    assert [group.name for group in store.groups(limit=1)] == ["seeds"]


def test_a_run_joins_and_leaves_a_group(store: Store) -> None:
    (run,) = grouped(store, None, 1)
    assert store.put_in_group(run, "late").group == "late"
    assert [each.id for each in store.runs(group="late").items] == [run]
    assert store.put_in_group(run, None).group is None
    assert store.groups() == [] and store.runs(group="late").items == []


def test_what_is_put_away_is_left_out_unless_asked_for(store: Store) -> None:
    kept, away = grouped(store, "a", 2)
    changed = store.archive(away, True)
    assert changed.archived and changed.revision == 2 and changed.state == "queued"
    assert [run.id for run in store.runs().items] == [kept]
    assert [run.id for run in store.runs(archived=True).items] == [away]
    assert [run.id for run in store.runs(archived=None).items] == [away, kept]
    assert store.groups()[0].runs == 1
    store.archive(away, False)
    assert [run.id for run in store.runs().items] == [away, kept]
