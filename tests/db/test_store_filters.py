"""Runs found by filters and put in an order: the same on SQLite and PostgreSQL, and what the filter means."""

from datetime import datetime
from functools import cmp_to_key
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from db import Store
from db.filters import All, AnyOf, Compared, Filter, Not, OfConfig, OfMetric, OfRun, SortKey, Subject
from db.folding import fold
from tests.db.filtering import Known, fill, filters, holds, subjects

pytestmark = pytest.mark.slow
EXAMPLES = [40, pytest.param(400, marks=pytest.mark.endurance)]
"""A few each time, and a campaign of `make endurance`."""


def often(examples: int) -> settings:
    """So many random cases, as long as they take."""
    phases = [Phase.explicit, Phase.generate, Phase.shrink]
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=phases)


def found(store: Store, where: Filter) -> set[str]:
    return {run.id for run in store.runs(where=where, archived=None, limit=500).items}


@pytest.mark.parametrize("examples", EXAMPLES)
def test_the_database_finds_what_the_filter_means(store: Store, examples: int) -> None:
    known = fill(store, 60)

    @often(examples)
    @given(filters())
    def check(where: Filter) -> None:
        meant = {each.run.id for each in known if holds(each, where)}
        assert found(store, where) == meant
        assert store.count_runs(where=where, archived=None) == len(meant)

    check()


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before texts; ASCII without case, in the order of codes."""
    if not isinstance(value, str):
        return 0, value
    return 1, "".join(letter.lower() if letter.isascii() else letter for letter in value)


def sorted_plainly(known: list[Known], keys: list[SortKey]) -> list[str]:
    """The ids in the order that the keys mean."""

    def value(each: Known, subject: Subject) -> Any:
        found = each.value(subject)
        if subject == OfRun("tags"):
            found = f",{','.join(found)}," if found else ""
        return None if found is None or found == "" else _rank(found)

    def compare(one: Known, other: Known) -> int:
        for key in keys:
            first, second = value(one, key.subject), value(other, key.subject)
            if first == second:
                continue
            if first is None or second is None:
                return 1 if first is None else -1
            return (1 if first > second else -1) * (-1 if key.descending else 1)
        newer = (one.run.created_at, one.run.id) > (other.run.created_at, other.run.id)
        return -1 if newer else 1

    return [each.run.id for each in sorted(known, key=cmp_to_key(compare))]


@pytest.mark.parametrize("examples", EXAMPLES)
def test_the_database_sorts_as_is_meant_page_by_page(store: Store, examples: int) -> None:
    known = fill(store, 40)

    @often(examples)
    @given(st.lists(st.builds(SortKey, subjects(), st.booleans()), min_size=1, max_size=3), st.integers(1, 50))
    def check(keys: list[SortKey], limit: int) -> None:
        pages = [store.runs(sort=keys, archived=None, offset=start, limit=limit) for start in range(0, 41, limit)]
        assert [run.id for page in pages for run in page.items] == sorted_plainly(known, keys)
        assert all(page.next is None for page in pages)

    check()


def test_a_number_of_the_config_is_found_exactly(store: Store) -> None:
    near = store.create_run(config={"a": 0.1 + 0.2}, epochs_planned=1)
    same = store.create_run(config={"a": 0.3}, epochs_planned=1)
    assert found(store, Compared(OfConfig("a"), "in", (0.3,))) == {same.id}
    assert found(store, Compared(OfConfig("a"), "not in", (0.3,))) == {near.id}


def test_a_number_beside_a_whole_one_keeps_its_fraction(store: Store) -> None:
    store.create_run(config={}, epochs_planned=1)
    for operator, holds_of in (("in", False), ("not in", True), (">", False), ("<=", True)):
        asked = Compared(OfRun("priority"), operator, (0.4,))  # type: ignore[arg-type]
        assert (store.count_runs(where=asked) == 1) is holds_of


def test_of_what_is_not_there_nothing_holds(store: Store) -> None:
    store.create_run(config={}, epochs_planned=1)
    for subject in (OfConfig("a"), OfMetric("a", "last"), OfRun("test_accuracy")):
        for operator in ("in", "not in", "<", ">="):
            asked = Compared(subject, operator, (1.0,))  # type: ignore[arg-type]
            assert store.count_runs(where=asked) == 0
            assert store.count_runs(where=Not(asked)) == 1


def test_without_case_means_beyond_ascii_too(store: Store) -> None:
    run = store.create_run(config={"who": "ÅNGSTRÖM Žižek ΣΊΣΥΦΟΣ"}, epochs_planned=1)
    for text in ("ångström", "ŽIŽEK", "σίσυφοσ"):
        assert found(store, Compared(OfConfig("who"), "contains", (text,))) == {run.id}
    assert found(store, Compared(OfConfig("who"), "contains", ("angstrom",))) == set()
    assert fold("K\u212aİßẞ") == "k\u212aİßẞ"


def test_the_deepest_filter_reaches_the_database(store: Store) -> None:
    """SQLite before 3.46 reads with a stack of 100; each level here has what would stand before the deeper part."""
    run = store.create_run(config={"a": 1}, epochs_planned=1)
    leaf = Compared(OfConfig("a"), "in", (1.0,))
    tree: Filter = leaf
    for _ in range(25):
        tree = All((leaf, AnyOf((Not(leaf), tree))))
    wide = AnyOf((leaf,) * 50)
    assert found(store, All((leaf, AnyOf((tree, leaf)), wide))) == {run.id}
    bushy: Filter = leaf
    for _ in range(6):
        bushy = AnyOf((Not(leaf), All((leaf, bushy, Not(Not(bushy))))))
    assert found(store, bushy) == {run.id}


@pytest.mark.parametrize(
    ("moment", "is_past"), [("0001-01-01T00:00+00:00", True), ("9999-12-31T23:59:59.999999+00:00", False)]
)
def test_times_at_the_ends_of_the_calendar_can_be_asked_for(store: Store, moment: str, is_past: bool) -> None:
    store.create_run(config={}, epochs_planned=1)
    later = Compared(OfRun("created_at"), ">", (datetime.fromisoformat(moment),))
    assert (store.count_runs(where=later) == 1) is is_past


def test_pages_of_a_filter_follow_each_other(store: Store) -> None:
    ids = [store.create_run(config={"a": number % 2}, epochs_planned=1).id for number in range(9)][::-1]
    where = Compared(OfConfig("a"), "in", (0.0,))
    first = store.runs(where=where, limit=3)
    second = store.runs(where=where, limit=3, cursor=first.next)
    assert [run.id for run in (*first.items, *second.items)] == ids[::2]
    assert second.next is None
    assert [run.id for run in store.runs(offset=2, limit=3).items] == ids[2:5]


def test_paths_names_and_values_are_listed_for_completion(store: Store) -> None:
    for number in range(4):
        config = {"neq": {"epsilon": 0.1 if number else 0.2}, "optimizer": {"kind": "sgd"}, "Z": 1}
        store.create_run(config=config, epochs_planned=1, tags=["a", "b"] if number else ["b"], group="g")
    assert store.setting_paths("", 10) == ["Z", "neq.epsilon", "optimizer.kind"]
    assert store.setting_paths("", 2) and len(store.setting_paths("", 2)) == 2
    assert store.setting_paths("o", 10) == ["optimizer.kind"]
    assert store.setting_paths("%", 10) == []
    assert store.metric_names("", 10) == []
    assert list(store.frequent_values(OfConfig("neq.epsilon"), 10)) == [(0.1, 3), (0.2, 1)]
    assert list(store.frequent_values(OfConfig("neq.epsilon"), 1)) == [(0.1, 3)]
    assert list(store.frequent_values(OfRun("tags"), 10)) == [("b", 4), ("a", 3)]
    assert list(store.frequent_values(OfRun("group"), 10)) == [("g", 4)]
    assert list(store.frequent_values(OfRun("device"), 10)) == []
