"""Named views, on either database."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from db import Store, TooManyViews, UnknownView
from db.views import MOST_VIEWS


def test_views_are_of_their_page_and_replaced_by_name(store: Store) -> None:
    first = store.save_view("runs", "äpfel", "by=neq.epsilon")
    store.save_view("runs", "Birnen", "sort=-accuracy")
    store.save_view("compare", "äpfel", "runs=a,b")
    assert [(view.name, view.query) for view in store.views("runs")] == [
        ("Birnen", "sort=-accuracy"),
        ("äpfel", "by=neq.epsilon"),
    ]
    again = store.save_view("runs", "äpfel", "")
    assert (again.id, again.query, again.changed_at >= first.changed_at) == (first.id, "", True)
    store.delete_view(first.id)
    assert [view.name for view in store.views("runs")] == ["Birnen"]
    assert [view.name for view in store.views("compare")] == ["äpfel"]
    with pytest.raises(UnknownView):
        store.delete_view(first.id)


def test_those_who_save_one_name_at_once_have_one_view(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda number: store.save_view("runs", "ours", f"q={number}"), range(24)))
    (view,) = store.views("runs")
    assert {each.id for each in saved} == {view.id}


def test_a_page_is_full_for_itself_alone(store: Store) -> None:
    for number in range(MOST_VIEWS):
        store.save_view("runs", f"view {number}", "")
    with pytest.raises(TooManyViews):
        store.save_view("runs", "one more", "")
    assert store.save_view("runs", "view 7", "x").query == "x"
    store.save_view("compare", "another page", "")
