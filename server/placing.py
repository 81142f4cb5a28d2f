"""Where a run would go on the nodes of clusters, in a sentence: the one home of this wording."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from contract.checks.capabilities import Capabilities, Node
from contract.config import Compute
from contract.counted import counted
from contract.placement import GIB, Request, amount

MEMORY = "GiB of memory"
NO_CLUSTER = "Waits: no worker of a Ray cluster is running, and workers of a single machine have no labels"


@dataclass(frozen=True, slots=True)
class Placement:
    """What is known of a run's place.

    Attributes:
        state: `fits` now, `waits` for what others have, or `nowhere`: no node has so much.
        text: a sentence without a full stop.
    """

    state: Literal["fits", "waits", "nowhere"]
    text: str

    def to_json(self) -> dict[str, Any]:
        """As the API has it."""
        return asdict(self)


def on_cluster(worker: Capabilities | None) -> bool:
    """Whether a worker trains on the nodes of a cluster, and not on its own machine."""
    return worker is not None and worker.nodes is not None


def placement_of(compute: Compute, workers: Iterable[Capabilities | None], before: int) -> Placement | None:
    """Whether a run has a place on the clusters of these workers.

    Args:
        compute: what it asks for.
        workers: those that live.
        before: how many runs of the queue are before it.

    Returns:
        None: it needs none, because a worker of a single machine may take it, or nobody knows who will.
    """
    living = list(workers)
    nodes = [node for worker in living if worker for node in worker.nodes or ()]
    if not any(map(on_cluster, living)):
        return Placement("waits", NO_CLUSTER) if compute.labels and living else None
    elsewhere = not compute.labels and not all(map(on_cluster, living))
    return None if elsewhere else _on(nodes, Request.of(compute, nodes), before)


def _on(nodes: Sequence[Node], request: Request, before: int) -> Placement:
    nowhere = request.why_nowhere(nodes)
    if nowhere is not None:
        return Placement("nowhere", f"Fits no node: {nowhere}")
    behind = f", {counted(before, 'run')} before it" if before else ""
    free = [node for node in nodes if request.fits_now(node)]
    if free:
        return Placement("fits", f"Fits now on {len(free)} of {counted(len(nodes), 'node')}{behind}")
    return Placement("waits", f"Waits: {_scarce(nodes, request)}{behind}")


def _scarce(nodes: Sequence[Node], request: Request) -> str:
    """What there is too little of on those nodes that could hold it, such as `0 of 4 GPUs free`."""
    holding = [node for node in nodes if request.could_fit(node)]
    parts = (
        ("GPU", request.gpus, [(node.free_gpus, node.gpus) for node in holding]),
        ("CPU", request.cpus, [(node.free_cpus, node.cpus) for node in holding]),
        (MEMORY, request.memory_bytes / GIB, [(n.free_memory_bytes / GIB, n.memory_bytes / GIB) for n in holding]),
    )
    for noun, wanted, there in parts:
        if wanted > max(free for free, _ in there):
            return _free(noun, wanted, there)
    return f"no node has {' and '.join(request.words())} free at once"


def _free(noun: str, wanted: float, there: Sequence[tuple[float, float]]) -> str:
    free, total = (round(sum(column), 1) for column in zip(*there, strict=True))
    said = f"{free:g} of {_counted(total, noun)} free"
    return said if free < wanted else f"{said}, and no {_counted(wanted, noun)} on one node"


def _counted(count: float, noun: str) -> str:
    return f"{round(count, 1):g} {noun}" if noun == MEMORY else amount(count, noun)
