"""Means over runs: no seed counts twice, nothing counts that is not trained, and controls are apart; worked by hand."""

from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contract.config import RunConfig
from db import NewRun, Store
from server.control_kinds import controls_of, finds_control
from server.controls import CONTROLS, TITLES, Control
from server.filters import stored_filter
from server.schemas import Charts, RunGroup, RunGroups, RunList
from tests.postgres import postgres_server_url, postgres_url
from tests.server.recording import Recording
from tests.server.test_going_on import Keeping
from tests.stores import empty_store

__all__ = ["postgres_server_url", "postgres_url"]
pytestmark = pytest.mark.slow

RUNS, CURVES = "/api/v1/runs", "/api/v1/compare/curves"
FIELDS = "accuracy,epochs,metric.test_accuracy.last,training.seed"


def keeping(store: Store, epochs: int, seed: int, **changes: Any) -> Keeping:
    """A finished run, whose accuracy is 0.25 and a thousandth for each epoch but the first."""
    made = Keeping(store, **{"training": {"epochs": 4, "seed": seed}} | changes)
    made.start()
    for _ in range(epochs):
        made.epoch()
    made.finish()
    return made


def forked(of: Recording, name: str = "on", **part: Any) -> Recording:
    """A fork of its newest epoch for more epochs, queued."""
    config = RunConfig.model_validate(of.run.config).model_dump(mode="json") | {"name": name}
    config["training"] = config["training"] | {"epochs": 900}
    new = NewRun(config=config | part, epochs_planned=900, name=name)
    fork = copy(of)
    fork.id = of.store.fork(of.id, of.epochs - 1, new, words="Forked.").id
    return fork


def trained(fork: Recording, epochs: int) -> Recording:
    """It trains epochs of its own."""
    assert fork.store.claim(fork.worker.id, "checkpoint_store") is not None
    for _ in range(epochs):
        fork.epoch()
    return fork


def groups(client: TestClient, by: str = "model.kind", **query: str) -> list[RunGroup]:
    answer = client.get(f"{RUNS}/grouped", params={"by": by, "fields": FIELDS} | query)
    assert answer.status_code == 200, answer.text
    told = RunGroups.model_validate_json(answer.content).groups
    for group in told:  # what a group opens as has all of it
        where = f"({query['where']}) and {group.where}" if query else group.where
        found = RunList.model_validate_json(client.get(RUNS, params={"where": where}).content)
        assert [run.id for run in found.runs] == group.ids and len(group.ids) == group.runs + group.left_out
    return told


def bands(client: TestClient, *recordings: Recording, by: str = "model.kind") -> dict[str | None, Any]:
    asked = {"runs": ",".join(each.id for each in recordings), "metric": "test_accuracy", "by": by}
    (chart,) = Charts.model_validate_json(client.get(CURVES, params=asked).content).charts
    return {band.value: (band.runs, band.left_out, band.mean[-1], band.count[-1]) for band in chart.bands}


def test_a_run_and_what_continues_it_count_once(client: TestClient, store: Store) -> None:
    one, two = keeping(store, 2, 1), keeping(store, 4, 2)  # 0.251 and 0.253
    first, second = forked(one), forked(two)
    for each in groups(client), groups(client, where="training.seed > 0"):
        (group,) = each
        assert (group.runs, group.left_out, group.control) == (2, 2, None)
        accuracy, epochs, metric, seed = group.cells
        # (0.251 + 0.253) / 2; both are 0.001 from it, and 2 · 0.001² over n - 1 = 1 has the root 0.0014142.
        for cell in (accuracy, metric):
            assert cell.known == 2 and cell.mean == pytest.approx(0.252)
            assert cell.std == pytest.approx(0.0014142, rel=1e-4)
        assert (epochs.mean, seed.mean, seed.known) == (3, 1.5, 2)
    every = (first, one, second, two)
    assert bands(client, *every) == {
        "cnn": ([one.id, two.id], [first.id, second.id], pytest.approx(0.253), 1),
    }

    trained(first, 4)  # 0.255 after six epochs: it stands for its parent from now on
    (group,) = groups(client)
    assert (group.runs, group.left_out) == (2, 2) and group.cells[0].mean == pytest.approx(0.254)
    assert bands(client, *every) == {
        "cnn": ([first.id, two.id], [one.id, second.id], pytest.approx(0.255), 1),
    }
    assert bands(client, one, two)["cnn"][:2] == ([one.id, two.id], []), "of the chosen runs alone"
    kept = {group.values[0]: (group.runs, group.left_out) for group in groups(client, by="training.epochs")}
    assert kept == {4.0: (2, 0), 900.0: (2, 0)}, "in groups of their own nothing counts twice"
    assert groups(client, where="training.epochs = 900")[0].cells[0].known == 1, "an untrained one has no say alone"


def test_a_continuation_of_a_continuation_is_one_run_whatever_is_shown_of_it(client: TestClient, store: Store) -> None:
    one = keeping(store, 2, 1)
    second = trained(forked(one, tags=["other"], notes="on"), 1)
    third = trained(forked(second, name="third"), 1)
    sibling = trained(forked(one, name="sibling"), 1)
    (group,) = groups(client)
    assert (group.runs, group.left_out, group.cells[1].mean) == (1, 3, 3), "the newest is the sibling"
    (group,) = groups(client, where="name in (recorded, third)")
    assert (group.runs, group.left_out, group.cells[1].mean) == (1, 1, 4), "their link is not in the table"
    store.request_stop(second.id)
    with store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET state = 'finished'")
    store.delete_run(one.id)
    assert [(each.runs, each.left_out) for each in groups(client)] == [(1, 2)], "nor is it lost with their parent"
    assert third.id != sibling.id


def test_a_fork_with_other_settings_counts_once_it_has_trained(client: TestClient, store: Store) -> None:
    one = keeping(store, 2, 1)
    changed = forked(one, schedule={"kind": "constant"})
    (group,) = groups(client)
    assert (group.runs, group.left_out) == (2, 0)
    assert [cell.known for cell in group.cells] == [1, 1, 1, 2], "settings it has, results it has none"
    assert bands(client, one, changed) == {"cnn": ([one.id], [], pytest.approx(0.251), 1)}
    trained(changed, 2)
    (group,) = groups(client)
    assert group.cells[0].known == 2 and group.cells[0].mean == pytest.approx(0.252)
    assert bands(client, one, changed)["cnn"][:2] == ([one.id, changed.id], [])


def test_a_run_without_an_epoch_lowers_no_mean(client: TestClient, store: Store) -> None:
    keeping(store, 4, 1)
    Recording(store)
    (group,) = groups(client)
    assert (group.runs, group.cells[1].known, group.cells[1].mean) == (2, 1, 4)


CONTROL_PARTS: dict[Control, dict[str, Any]] = {
    "dense": {"neq": {"select": {"kind": "none"}}},
    "random": {"neq": {"select": {"kind": "random", "fraction": None}}},
    "prefix": {"neq": {"select": {"kind": "none"}, "layers": {"always_freeze_first": 1}}},
    "replay": {"neq": {"select": {"kind": "replay", "run": "abcdefghij"}}},
    "shorter": {"neq": {"select": {"kind": "none"}}, "training": {"stop_after_seconds": 5.0, "epochs": 4}},
}


def test_controls_are_groups_of_their_own_by_their_kind(client: TestClient, store: Store) -> None:
    of = keeping(store, 4, 1)
    made = {}
    for epochs, (kind, part) in enumerate(CONTROL_PARTS.items(), 1):
        control = made[kind] = keeping(store, epochs, 1, **part)
        store.describe_run(control.id, tags=[f"control:{of.id}", "mine"])
    told = {group.control: group for group in groups(client)}
    assert {name: group.ids for name, group in told.items()} == {None: [of.id]} | {
        TITLES[kind]: [each.id] for kind, each in made.items()
    }
    assert told[None].cells[0].mean == pytest.approx(0.253) and told["dense"].cells[1].mean == 1
    assert next(iter(told)) is None, "of equal values the runs themselves come first"
    assert len(groups(client, where="tag = mine")) == 5 and len(groups(client, by="name,training.seed")) == 6
    drawn = bands(client, of, made["dense"], made["prefix"])
    assert {name: each[0] for name, each in drawn.items()} == {
        "cnn": [of.id],
        "cnn · control: dense": [made["dense"].id],
        "cnn · control: static prefix": [made["prefix"].id],
    }
    assert set(bands(client, of, made["dense"], by="group")) == {None, "none · control: dense"}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store on either database."""
    is_sqlite = request.param == "sqlite"
    store = empty_store(f"sqlite:///{tmp_path / 'neq.db'}" if is_sqlite else request.getfixturevalue("postgres_url"))
    yield store
    store.close()


def test_the_filter_of_a_kind_of_control_finds_those_of_that_kind(either: Store) -> None:
    kinds: dict[str, Control | None] = {}
    of_an_older_program: tuple[Control, dict[str, Any]] = ("dense", {})
    for control, part in (*CONTROL_PARTS.items(), of_an_older_program):
        for tags in (["control:abc"], ["a", "control:abc"], ["controlled"], []):
            run = either.create_run(config=part, epochs_planned=1, tags=tags)
            kinds[run.id] = control if "control:abc" in tags else None
    assert controls_of(either) == {run_id: kind for run_id, kind in kinds.items() if kind}
    for kind in (None, *CONTROLS):
        found = either.runs(where=stored_filter(finds_control(kind)), limit=100).items
        assert {run.id for run in found} == {run_id for run_id, each in kinds.items() if each == kind}, kind
