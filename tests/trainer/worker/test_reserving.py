"""A worker of a cluster reserves a place first, for the first run that some node could hold, and claims that run."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from contract.checks.capabilities import Node
from contract.config import RunConfig
from contract.placement import Request
from db import Store
from tests.stores import empty_store
from tests.trainer.worker.conftest import eventually
from trainer.engines import Engine
from trainer.engines.cluster import Cluster, Reservation
from trainer.engines.environment import Workplace
from trainer.worker.checking import Checker
from trainer.worker.claiming import PAGE, FirstThatFits


def node(name: str, cpus: float, gpus: float = 0, **labels: str) -> Node:
    return Node(id=name, name=name, cpus=cpus, free_cpus=cpus, gpus=gpus, free_gpus=gpus, labels=labels)


class Place(Reservation):
    """One that the test gives, and that notes whether it was given back."""

    def __init__(self, request: Request, node_ids: Sequence[str]) -> None:
        self.request, self.node_ids = request, tuple(node_ids)
        self.ready = self.released = False

    def is_ready(self) -> bool:
        return self.ready

    def engine(self) -> Engine:
        return lambda config, resume_point: (_ for _ in ())

    def release(self) -> None:
        self.released = True


class Stub(Cluster):
    """Nodes as the test has them, and all places that were asked for."""

    def __init__(self, *nodes: Node) -> None:
        self.there = nodes
        self.asked: list[Place] = []

    def nodes(self) -> tuple[Node, ...]:
        return self.there

    def reserve(self, request: Request, node_ids: Sequence[str]) -> Reservation:
        self.asked.append(Place(request, node_ids))
        return self.asked[-1]

    @property
    def open(self) -> list[Place]:
        """Those that were not given back."""
        return [place for place in self.asked if not place.released]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = empty_store(f"sqlite:///{tmp_path / 'neq.db'}")
    yield opened
    opened.close()


def queued(store: Store, **compute: Any) -> str:
    config = RunConfig.model_validate({"compute": compute})
    return store.create_run(config=config.model_dump(mode="json"), epochs_planned=1).id


def states(store: Store, *run_ids: str) -> list[str]:
    return [store.run(run_id).state for run_id in run_ids]


def test_a_run_waits_as_queued_until_its_place_is_ready_and_is_claimed_then(store: Store) -> None:
    cluster = Stub(node("a", 4))
    run_id = queued(store, cpus=3, labels=[])
    claims = FirstThatFits(store, cluster, "")
    assert claims.claim("w") is claims.claim("w") is None
    assert states(store, run_id) == ["queued"]
    (place,) = cluster.asked
    assert place.request == Request(3, 0) and place.node_ids == ("a",)
    place.ready = True
    claimed = claims.claim("w")
    assert claimed is not None and claimed.run.id == run_id
    assert store.run(run_id).writer_id == "w" and states(store, run_id) == ["running"]
    assert cluster.open == [place], "it is the run's now"
    claimed.release()
    assert cluster.open == []


def test_small_runs_wait_behind_a_large_one_so_that_it_gets_its_turn(store: Store) -> None:
    cluster = Stub(node("a", 4))
    large, small = queued(store, cpus=4), queued(store, cpus=1)
    claims = FirstThatFits(store, cluster, "")
    for _ in range(3):
        claims.claim("w")
    assert [place.request.cpus for place in cluster.asked] == [4], "one place at a time, and it is the first run's"
    cluster.asked[0].ready = True
    claimed = claims.claim("w")
    assert claimed is not None and claimed.run.id == large
    claims.claim("w")
    assert [place.request.cpus for place in cluster.asked] == [4, 1]
    assert states(store, large, small) == ["running", "queued"]


def test_what_no_node_could_ever_hold_is_passed_over_and_its_reason_told_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    cluster = Stub(node("a", 4), node("b", 2, gpus=2))
    vast, gpus, elsewhere = queued(store, cpus=64), queued(store, processes=4), queued(store, labels=["zone=a"])
    fits = queued(store, gpus=0)
    claims = FirstThatFits(store, cluster, "")
    with caplog.at_level(logging.INFO, "neq.worker"):
        claims.claim("w")
        claims.claim("w")
    assert [record.getMessage() for record in caplog.records] == [
        f"run {vast}: passed over, it fits no node: the largest has 4 CPUs",
        f"run {gpus}: passed over, it fits no node: the largest has 2 GPUs",
        f"run {elsewhere}: passed over, it fits no node: none has the label zone=a",
    ]
    cluster.asked[0].ready = True
    claimed = claims.claim("w")
    assert claimed is not None and claimed.run.id == fits
    assert states(store, vast, gpus, elsewhere) == ["queued"] * 3


def test_a_run_behind_very_many_that_fit_nowhere_is_found(store: Store) -> None:
    for _ in range(PAGE + 3):
        queued(store, cpus=64)
    fits = queued(store)
    cluster = Stub(node("a", 4))
    claims = FirstThatFits(store, cluster, "")
    claims.claim("w")
    cluster.asked[0].ready = True
    claimed = claims.claim("w")
    assert claimed is not None and claimed.run.id == fits


@pytest.mark.parametrize("happens", ["hold", "claim_run", "request_stop", "delete_run"])
def test_a_place_whose_run_is_gone_is_given_back(store: Store, happens: str) -> None:
    cluster = Stub(node("a", 4))
    first = queued(store)
    claims = FirstThatFits(store, cluster, "")
    claims.claim("w")
    more = {"hold": (True,), "claim_run": ("other",)}.get(happens, ())
    getattr(store, happens)(first, *more)
    second = queued(store, cpus=2)
    cluster.asked[0].ready = True
    assert claims.claim("w") is None
    assert [place.request.cpus for place in cluster.open] == [2]
    cluster.asked[1].ready = True
    claimed = claims.claim("w")
    assert claimed is not None and claimed.run.id == second


def test_a_run_that_is_claimed_in_the_last_moment_gives_its_place_back(store: Store) -> None:
    cluster = Stub(node("a", 4))
    run_id = queued(store)
    claims = FirstThatFits(store, cluster, "")
    claims.claim("w")
    (place,) = cluster.asked

    def is_ready() -> bool:  # between the look at the queue and the claim
        store.claim_run(run_id, "other")
        return True

    place.is_ready = is_ready  # type: ignore[method-assign]
    assert claims.claim("w") is None
    assert place.released and store.run(run_id).writer_id == "other"


def test_a_run_that_is_moved_to_the_front_gets_the_place(store: Store) -> None:
    cluster = Stub(node("a", 4))
    usual, urgent = queued(store, cpus=4), queued(store, cpus=2)
    claims = FirstThatFits(store, cluster, "")
    claims.claim("w")
    store.prioritise(urgent, 5)
    claims.claim("w")
    assert [(place.request.cpus, place.released) for place in cluster.asked] == [(4, True), (2, False)]
    assert states(store, usual, urgent) == ["queued", "queued"]


def test_a_node_that_joins_is_asked_too_and_one_that_dies_no_more(store: Store) -> None:
    cluster = Stub(node("a", 4))
    queued(store, cpus=3)
    claims = FirstThatFits(store, cluster, "")
    claims.claim("w")
    cluster.there = (node("a", 4), node("b", 8), node("c", 1))
    claims.claim("w")
    cluster.there = (node("b", 8), node("c", 1))
    claims.claim("w")
    assert [place.node_ids for place in cluster.asked] == [("a",), ("a", "b"), ("b",)]
    assert len(cluster.open) == 1


def test_while_the_cluster_does_not_answer_nothing_is_asked_and_nothing_given_back(store: Store) -> None:
    cluster = Stub(node("a", 4))
    run_id = queued(store)
    claims = FirstThatFits(store, cluster, "")
    claims.claim("w")
    there, cluster.there = cluster.there, ()
    assert claims.claim("w") is None and len(cluster.open) == 1
    assert states(store, run_id) == ["queued"]
    cluster.there = there
    cluster.open[0].ready = True
    assert claims.claim("w") is not None and len(cluster.asked) == 1


def test_a_worker_that_ends_asks_for_no_place_any_more(store: Store) -> None:
    cluster = Stub(node("a", 4))
    queued(store)
    claims = FirstThatFits(store, cluster, "")
    claims.claim("w")
    claims.close()
    assert cluster.open == []


def test_a_description_of_another_version_is_claimed_so_that_its_run_says_so(store: Store) -> None:
    run_id = store.create_run(config={"compute": {"cores": 3}}, epochs_planned=1).id
    cluster = Stub(node("a", 4))
    claims = FirstThatFits(store, cluster, "")
    claims.claim("w")
    assert cluster.asked[0].request == Request(1, 0)
    cluster.asked[0].ready = True
    claimed = claims.claim("w")
    assert claimed is not None and claimed.run.id == run_id


def test_a_worker_of_a_cluster_tells_of_its_nodes_and_makes_no_dry_passes(store: Store, tmp_path: Path) -> None:
    """Its own machine could say nothing about data and devices there."""
    worker = store.register_worker(name="w", host="h", pid=1, device="ray", slots=1)
    check = store.ask_check("0" * 64, config=RunConfig().model_dump(mode="json"), workers=[worker.id])
    checker = Checker(Workplace(tmp_path), cluster=Stub(node("a", 4, gpus=2, zone="b")))
    checker.start(store, lambda: worker.id, lambda: False)
    try:
        said = eventually(lambda: store.workers()[0].capabilities)
    finally:
        checker.close()
    assert [(each["name"], each["free_gpus"], each["labels"]) for each in said["nodes"]] == [("a", 2, {"zone": "b"})]
    assert (said["folders_complete"], said["gpus"]) == (False, None) and "mlp" in said["models"]
    assert store.check(check.id).state == "pending"
