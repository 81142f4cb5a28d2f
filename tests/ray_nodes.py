"""A Ray cluster on this machine: a head and nodes that are processes, and can be killed as a machine loses power."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.trainer.worker.conftest import Bench, eventually, is_alive
from tests.trainer.worker.stub import TRAIN
from trainer.engines.cluster import Cluster
from trainer.engines.environment import Workplace
from trainer.engines.on_ray.connection import connect

STORE = 80 << 20
"""Bytes of a node's object store."""


class RayNodes:
    """A head without CPUs, and the nodes that were added, in their order."""

    def __init__(self, head: Any) -> None:
        self._cluster = head
        self.address: str = head.address
        self.added: list[Any] = []

    def add(self, **node: Any) -> None:
        """One more node."""
        self.added.append(self._cluster.add_node(object_store_memory=STORE, **node))

    def kill(self, number: int) -> None:
        """The processes of a node, and all that they started, at once."""
        raylet = psutil.Process(self.added[number].all_processes["raylet"][0].process.pid)
        for process in [raylet, *raylet.children(recursive=True)]:
            process.kill()


@contextmanager
def ray_nodes(*nodes: dict[str, Any]) -> Iterator[RayNodes]:
    """A head and these nodes; nothing of them outlives it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else Ray writes a token into this user's home
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))  # where the nodes find the stub
        patch.delenv("RAY_ADDRESS", raising=False)
        import ray.cluster_utils

        others = set(psutil.Process().children(recursive=True))  # such as the database of other tests
        handled = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE}
        cluster = ray.cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        try:
            there = RayNodes(cluster)
            for node in nodes:
                there.add(**node)
            yield there
        finally:
            started = set(psutil.Process().children(recursive=True)) - others
            cluster.shutdown()
            for number, handler in handled.items():  # Ray's own would end the tests in its way
                signal.signal(number, handler)
        eventually(lambda: not any(is_alive(process.pid) for process in started))


@contextmanager
def joined(nodes: RayNodes, bench: Bench, train: str = TRAIN) -> Iterator[Cluster]:
    """The cluster as a worker sees it that has joined. When it is left workers end, and all places have to be free."""
    from trainer.engines.on_ray.cluster import RayCluster

    head = connect(nodes.address, os.environ.get("NEQ_PLUGINS"))
    with closing(RayCluster(head, Workplace(bench.folder), bench.folder, train=train)) as cluster:
        try:
            yield cluster
        finally:
            bench.end_workers()
        eventually(lambda: all(node.free_cpus == node.cpus for node in cluster.nodes()))


def seen(bench: Bench, name: str) -> dict[str, Any]:
    """What a run of this name saw of its node, once it is there; it waits for `go`."""
    path = bench.folder / f"{name}.sees"
    eventually(path.exists)
    return dict(json.loads(path.read_text()))
