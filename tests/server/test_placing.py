"""What is said of a run's place on the nodes of a cluster: in the form, at the launch, and on its page."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from contract.checks.capabilities import Capabilities, Node
from contract.config import Compute
from contract.placement import GIB
from db import Store
from server.placing import NO_CLUSTER, placement_of

MACHINE = Capabilities(version="1")


def node(name: str, **has: float) -> Node:
    return Node.model_validate({"id": name, "name": name, **has})


def cluster(*nodes: Node) -> Capabilities:
    return Capabilities(version="1", nodes=nodes)


NODES = (
    node("a", cpus=8, free_cpus=8, gpus=2, free_gpus=0, memory_bytes=64 * GIB, free_memory_bytes=10 * GIB),
    node("b", cpus=8, free_cpus=3, gpus=2, free_gpus=0, memory_bytes=64 * GIB, free_memory_bytes=64 * GIB),
    node("c", cpus=2, free_cpus=2, memory_bytes=8 * GIB, free_memory_bytes=8 * GIB),
)


@pytest.mark.parametrize(
    ("compute", "before", "state", "text"),
    [
        ({"gpus": 0}, 0, "fits", "Fits now on 3 of 3 nodes"),
        ({"gpus": 0, "cpus": 3}, 1, "fits", "Fits now on 2 of 3 nodes, 1 run before it"),
        ({}, 3, "waits", "Waits: 0 of 4 GPUs free, 3 runs before it"),
        ({"gpus": 4, "processes": 4}, 3, "nowhere", "Fits no node: the largest has 2 GPUs"),
        ({"gpus": 0, "cpus": 16}, 0, "nowhere", "Fits no node: the largest has 8 CPUs"),
        ({"labels": ["zone=a"]}, 0, "nowhere", "Fits no node: none has the label zone=a"),
        (
            {"gpus": 0, "memory_gib": 64, "cpus": 8},
            0,
            "waits",
            "Waits: no node has 8 CPUs and 64 GiB of memory free at once",
        ),
    ],
)
def test_a_place_is_told_in_a_sentence(compute: dict[str, Any], before: int, state: str, text: str) -> None:
    found = placement_of(Compute(**compute), [cluster(*NODES)], before)
    assert found is not None and (found.state, found.text) == (state, text)


@pytest.mark.parametrize(
    ("compute", "has", "text"),
    [
        ({"cpus": 4}, {"cpus": 4, "free_cpus": 3}, "Waits: 6 of 8 CPUs free, and no 4 CPUs on one node"),
        ({"cpus": 4}, {"cpus": 4, "free_cpus": 1}, "Waits: 2 of 8 CPUs free"),
        ({"gpus": 0.5}, {"cpus": 1, "free_cpus": 1, "gpus": 1, "free_gpus": 0.2}, "Waits: 0.4 of 2 GPUs free"),
        (
            {"memory_gib": 8},
            {"cpus": 1, "free_cpus": 1, "memory_bytes": 10 * GIB, "free_memory_bytes": 1.25 * GIB},
            "Waits: 2.5 of 20 GiB of memory free",
        ),
    ],
)
def test_what_there_is_too_little_of_is_named(compute: dict[str, Any], has: dict[str, float], text: str) -> None:
    found = placement_of(Compute(**compute), [cluster(node("a", **has), node("b", **has))], 0)
    assert found is not None and (found.state, found.text) == ("waits", text)


def test_nothing_is_said_where_a_worker_of_a_single_machine_may_take_it() -> None:
    there = [MACHINE, cluster(*NODES)]
    assert placement_of(Compute(gpus=0, cpus=16), there, 0) is None
    assert placement_of(Compute(), [MACHINE], 0) is placement_of(Compute(), [], 0) is None
    assert placement_of(Compute(), [None], 0) is None, "it has not said yet what it is"


def test_labels_are_for_clusters_alone() -> None:
    asks = Compute(labels=("zone=a",))
    assert (found := placement_of(asks, [MACHINE], 0)) and found.text == NO_CLUSTER
    assert (found := placement_of(asks, [MACHINE, cluster(*NODES)], 0)) and found.state == "nowhere"
    assert placement_of(asks, [], 0) is None, "that no worker runs is told already"


def test_a_cluster_without_nodes_is_told() -> None:
    assert (found := placement_of(Compute(), [cluster()], 0)) and found.text == "Fits no node: the cluster has no nodes"


@pytest.fixture
def on_ray(store: Store) -> str:
    """A worker of a cluster with these nodes, the only one. Returns its id."""
    said = Capabilities(version="1", folders_complete=False, nodes=NODES).model_dump(mode="json")
    worker = store.register_worker(name="w", host="h", pid=1, device="ray", slots=4)
    store.describe_worker(worker.id, said)
    return worker.id


def test_the_form_and_the_page_of_a_run_say_where_it_would_go(client: TestClient, on_ray: str) -> None:
    runs = [client.post("/api/v1/runs", json={"compute": {"gpus": 0}}).json() for _ in range(2)]
    assert runs[0]["warnings"] == [] and runs[0]["queue"]["placement"] is None, "it was asked for nothing but the run"
    places = [client.get(f"/api/v1/runs/{run['id']}").json()["queue"]["placement"] for run in runs]
    assert [place["text"] for place in places] == [
        "Fits now on 3 of 3 nodes",
        "Fits now on 3 of 3 nodes, 1 run before it",
    ]
    checked = client.post("/api/v1/checks", json={"compute": {"cpus": 3}}).json()
    assert checked["placement"] == {"state": "waits", "text": "Waits: 0 of 4 GPUs free, 2 runs before it"}
    assert checked["state"] == "not_asked", "nobody there could make a dry pass"


def test_what_no_node_holds_is_launched_with_a_warning_and_stays(client: TestClient, on_ray: str, store: Store) -> None:
    """Nodes may join."""
    launched = client.post("/api/v1/runs", json={"compute": {"processes": 4}}).json()
    said = "Fits no node: the largest has 2 GPUs; it stays in the queue"
    assert launched["warnings"] == [{"field": "", "message": said}]
    assert store.run(launched["id"]).warnings == (), "which is told once: nodes come and go"
    assert client.get(f"/api/v1/runs/{launched['id']}").json()["queue"]["placement"]["state"] == "nowhere"


def test_what_the_workers_machine_lacks_is_no_reason_against_a_run_on_its_nodes(
    client: TestClient, on_ray: str
) -> None:
    asked = {"data": {"kind": "cifar10"}, "compute": {"device": "cuda"}}
    answer = client.post("/api/v1/checks", json=asked).json()
    assert (answer["errors"], answer["warnings"], answer["state"]) == ([], [], "not_asked")


def test_a_description_of_another_version_has_a_page_all_the_same(
    client: TestClient, on_ray: str, store: Store
) -> None:
    run = store.create_run(config={"compute": {"cores": 3}}, epochs_planned=1)
    assert client.get(f"/api/v1/runs/{run.id}").json()["queue"]["placement"] is None


def test_labels_without_a_cluster_are_doubted(client: TestClient, store: Store) -> None:
    store.register_worker(name="w", host="h", pid=1, device="auto", slots=1)
    launched = client.post("/api/v1/runs", json={"compute": {"labels": ["zone=a"]}}).json()
    assert [each["message"] for each in launched["warnings"]] == [f"{NO_CLUSTER}; it stays in the queue"]


@pytest.mark.parametrize(
    ("label", "words"), [("zone", "Must be key=value"), ("zone=a;drop", "Must be key=value"), ("a=b\n", None)]
)
def test_a_label_that_is_none_is_refused_at_its_field(client: TestClient, label: str, words: str | None) -> None:
    answer = client.post("/api/v1/checks", json={"compute": {"labels": [label]}}, params={"dry_pass": False})
    if words is None:
        assert answer.status_code == 200, "white space around it is nobody's intention"
        return
    assert [each["field"] for each in answer.json()["detail"]] == ["compute.labels.0"]
    assert words in answer.json()["detail"][0]["message"]
