"""The nodes of a Ray cluster, and places on them."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import ray
from ray.autoscaler.v2.sdk import get_cluster_status
from ray.exceptions import RayError
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy, PlacementGroupSchedulingStrategy

from contract.checks.capabilities import Node
from contract.config import RunConfig
from contract.placement import Request
from contract.version import VERSION
from trainer.engines import Engine, ResumePoint
from trainer.engines.cluster import Cluster, Reservation
from trainer.engines.device_choice import DeviceKind
from trainer.engines.environment import Workplace
from trainer.engines.on_ray import node as on_node
from trainer.engines.on_ray.connection import NoCluster
from trainer.engines.on_ray.run import RayRun
from trainer.engines.on_ray.shared_folder import Marker
from trainer.engines.process import TRAIN

CHECK_SECONDS = 60.0
"""What a node gets to start a process of Python and answer."""
READY_SECONDS = 0.1
_LOOK_SECONDS = 0.02
LOOK_SECONDS = 0.5
STALE_SECONDS = 5.0
"""A head that does not answer keeps whoever asks waiting for a minute: what is older is known no more."""
MOST_SLOTS = 64
_ID = "ray.io/node-id"
_DESCRIBE, _TRAIN = ray.remote(on_node.describe), ray.remote(on_node.train)

log = logging.getLogger("neq.worker")


class RayCluster(Cluster):
    """The cluster that `connect` has joined."""

    def __init__(self, address: str, workplace: Workplace, checkpoints: Path, *, train: str = TRAIN) -> None:
        """Looks at every node.

        Args:
            address: of the cluster's head.
            checkpoints: the folder that all nodes share.
            workplace: what nodes are to offer: folders that they share with this machine, and limits. Threads that it
                leaves open are as many as a run reserves CPUs.
            train: as in `process_engine`.

        Raises:
            NoCluster: one of the nodes cannot train, or there are none.
        """
        self._address, self._workplace, self._train = address, replace(workplace, checkpoints=checkpoints), train
        self._checks: dict[str, Any] = {}
        self._usable: dict[str, bool] = {}
        self._seen: tuple[Node, ...] = ()
        self._seen_at = -STALE_SECONDS
        self._closed = threading.Event()
        self._looker = threading.Thread(target=self._keep_looking, name="nodes", daemon=True)
        self._marker = Marker(checkpoints)
        try:
            self._check_all(_living())
        except NoCluster:
            self.close()
            raise
        self._look()
        self._looker.start()

    def _check_all(self, living: Mapping[str, Any]) -> None:
        """Has all nodes say what they have, and waits for each.

        Raises:
            NoCluster: one of them cannot train, or there are none.
        """
        if not living:
            raise NoCluster(f"no node at {self._address} has CPUs: add one with `ray start --address={self._address}`")
        checks = {node_id: self._begin_check(node_id) for node_id in living}
        for node_id, check in checks.items():
            reason = self._reason_against(living[node_id], check, CHECK_SECONDS)
            if reason is not None:
                raise NoCluster(reason)
            self._usable[node_id] = True

    def close(self) -> None:
        """Leaves the cluster, and nothing in the folder of checkpoints."""
        self._closed.set()
        if self._looker.is_alive():
            self._looker.join(STALE_SECONDS)
        self._marker.remove()
        ray.shutdown()

    def slots(self) -> int:
        """Runs that may train at once: as many as there are CPUs, of which each takes one or more."""
        return min(max(1, int(sum(node.cpus for node in self.nodes()))), MOST_SLOTS)

    def nodes(self) -> tuple[Node, ...]:
        return self._seen if time.monotonic() < self._seen_at + STALE_SECONDS else ()

    def _keep_looking(self) -> None:
        """In a thread of its own, so that heartbeats go on while the head does not answer."""
        while not self._closed.wait(LOOK_SECONDS):
            try:
                self._look()
            except Exception as error:  # whatever Ray raises, the next look may succeed
                log.warning("the Ray cluster does not answer: %s", str(error).partition("\n")[0])

    def _look(self) -> None:
        living = _living()
        self._check_new(living)
        used = _used(self._address)
        self._seen = tuple(
            _node(each, used.get(node_id, {})) for node_id, each in living.items() if self._usable.get(node_id)
        )
        self._seen_at = time.monotonic()

    def reserve(self, request: Request, node_ids: Sequence[str]) -> Reservation:
        return _Place(request, node_ids, self._workplace, self._train)

    def _check_new(self, living: Mapping[str, Any]) -> None:
        """Has nodes that joined since say what they have, and waits for none of them."""
        for node_id, each in living.items():
            if node_id in self._usable:
                continue
            check = self._checks.get(node_id) or self._begin_check(node_id)
            if not ray.wait([check], timeout=0)[0]:
                self._checks[node_id] = check
                continue
            self._checks.pop(node_id, None)
            reason = self._reason_against(each, check, 1.0)
            self._usable[node_id] = reason is None
            log.info("node %s joined", _name(each)) if reason is None else log.warning("not used: %s", reason)
        for node_id in self._usable.keys() - living.keys():
            del self._usable[node_id]

    def _begin_check(self, node_id: str) -> Any:
        task = _DESCRIBE.options(
            num_cpus=0,
            num_gpus=0,
            max_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id, soft=False),
        )
        return task.remote(str(self._marker.path))

    def _reason_against(self, living: Mapping[str, Any], check: Any, seconds: float) -> str | None:
        """Why runs cannot be trained on a node; None: they can."""
        name = _name(living)
        try:
            said = ray.get(check, timeout=seconds)
        except RayError as error:
            last = " ".join(str(error).strip().splitlines()[-1:])[:300]
            return f"node {name} cannot run this program: install version {VERSION} there. Ray says: {last}"
        if said["version"] != VERSION:
            return (
                f"node {name} has version {said['version']} of this program, and the worker {VERSION}: install the same"
            )
        if not said["reaches"]:
            return (
                f"node {name} does not see the checkpoints of this machine in {self._workplace.checkpoints}: mount one "
                "folder under the same path on all of them, and name it in NEQ_CHECKPOINTS"
            )
        return None


class _Place(Reservation):
    """A placement group of one bundle, which is a part of one node."""

    def __init__(self, request: Request, node_ids: Sequence[str], workplace: Workplace, train: str) -> None:
        self._request, self._workplace, self._train = request, workplace, train
        bundle = {"CPU": request.cpus, "GPU": request.gpus, "memory": int(request.memory_bytes)}
        self._group: PlacementGroup | None = placement_group(
            [{name: count for name, count in bundle.items() if count}],
            bundle_label_selector=[{_ID: f"in({','.join(node_ids)})"}],
        )

    def is_ready(self) -> bool:
        until = time.monotonic() + READY_SECONDS
        while self._group is not None:
            if self._group.wait(0):
                return True
            if time.monotonic() >= until:
                break
            time.sleep(_LOOK_SECONDS)
        return False

    def engine(self) -> Engine:
        return self._begin

    def release(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            with suppress(RayError):
                remove_placement_group(group)

    def _begin(self, config: RunConfig, resume_point: ResumePoint) -> RayRun:
        request, group, replayed = self._request, self._group, resume_point.replayed
        if group is None:
            raise RuntimeError("the place was given back")
        task = _TRAIN.options(
            num_cpus=request.cpus,
            num_gpus=request.gpus,
            memory=int(request.memory_bytes) or None,
            max_retries=0,
            num_returns="streaming",
            _generator_backpressure_num_objects=1,
            scheduling_strategy=PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=0),
        )
        masks = None if replayed is None else Path(replayed).read_bytes()
        return RayRun(config, task.remote(self._job(config, resume_point), masks), self.release)

    def _job(self, config: RunConfig, resume_point: ResumePoint) -> dict[str, Any]:
        request = self._request
        # A run that has reserved a GPU says so where torch cannot use it, and does not train on the CPU in silence.
        limit: DeviceKind = "cpu" if not request.gpus else "cuda" if config.compute.device == "auto" else "auto"
        threads = self._workplace.threads or max(1, int(request.cpus))
        return {
            "train": self._train,
            "config": config.model_dump(mode="json"),
            "workplace": replace(self._workplace, threads=threads, device_limit=limit).to_json(),
            "resume_point": asdict(replace(resume_point, replayed=None)),
            "gpus": request.gpus,
        }


def _living() -> dict[str, dict[str, Any]]:
    """Ray's own words about the nodes that live and have CPUs, by id."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return {each["NodeID"]: each for each in nodes if each["Alive"] and each["Resources"].get("CPU")}


def _used(address: str) -> dict[str, dict[str, float]]:
    """What of each node is reserved, by its id."""
    status = get_cluster_status(address)
    return {
        each.node_id: {part.resource_name: part.used for part in each.resource_usage.usage}
        for each in (*status.active_nodes, *status.idle_nodes)
        if each.node_id is not None and each.resource_usage is not None
    }


def _node(living: Mapping[str, Any], used: Mapping[str, float]) -> Node:
    has = {name: float(living["Resources"].get(name, 0.0)) for name in ("CPU", "GPU", "memory")}
    free = {name: max(0.0, count - used.get(name, 0.0)) for name, count in has.items()}
    return Node(
        id=living["NodeID"],
        name=_name(living),
        cpus=has["CPU"],
        free_cpus=free["CPU"],
        gpus=has["GPU"],
        free_gpus=free["GPU"],
        memory_bytes=has["memory"],
        free_memory_bytes=free["memory"],
        labels=living["Labels"],
    )


def _name(living: Mapping[str, Any]) -> str:
    return str(living["NodeManagerHostname"])
