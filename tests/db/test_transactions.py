"""The façade's methods: each opens its own transaction, and nobody who calls one hands it a connection."""

import inspect
from pathlib import Path

import pytest

from db import Store
from db.transactions import Transactions
from tests.stores import empty_store


def methods() -> dict[str, inspect.Signature]:
    found = inspect.getmembers(Store, inspect.isfunction)
    return {name: inspect.signature(method) for name, method in found if not name.startswith("_")}


def test_no_caller_needs_a_connection(tmp_path: Path) -> None:
    store = empty_store(f"sqlite:///{tmp_path / 'neq.db'}")
    run = store.create_run(config={}, epochs_planned=3)
    assert store.run(run.id) == run
    assert store.runs().items == [run]
    store.close()


@pytest.mark.parametrize("wrong", [{"connection": None}, {"runid": "x"}])
def test_a_wrong_call_is_no_damage(tmp_path: Path, wrong: dict[str, object]) -> None:
    store = empty_store(f"sqlite:///{tmp_path / 'neq.db'}")
    for method in (store.run, store.request_stop, store.resume):
        with pytest.raises(TypeError, match="argument"):
            method(**wrong)
    store.close()


def test_every_question_says_what_it_answers() -> None:
    undocumented = [name for name in methods() if not (getattr(Store, name).__doc__ or "").strip()]
    assert undocumented == []
    assert len(methods()) > 35


def test_no_two_classes_of_queries_have_a_method_of_the_same_name() -> None:
    """Of two, the store would silently have the first."""
    names = [name for one in Store.__mro__ if issubclass(one, Transactions) for name in vars(one)]
    own = [name for name in names if not name.startswith("__")]
    assert sorted(own) == sorted(set(own))
