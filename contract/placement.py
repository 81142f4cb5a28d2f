"""What a run asks of a node of a cluster, and which nodes have it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contract.checks.capabilities import Node
from contract.checks.numbers import counted, number
from contract.config import Compute

GIB = 1 << 30
_ROUNDING = 1e-6
"""Fractions of a GPU do not add up exactly."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run needs of one node."""

    cpus: float
    gpus: float
    memory_bytes: float = 0.0
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, compute: Compute, nodes: Iterable[Node]) -> "Request":
        """What a run asks for; where it leaves the GPUs open it gets one for each process if any of these has some."""
        labels = tuple((key, value) for key, _, value in (label.partition("=") for label in compute.labels))
        gpus = compute.gpus
        if gpus is None:
            needed = compute.device not in ("auto", "cpu")
            there = any(node.gpus > 0 for node in nodes if _has(node, labels))
            gpus = float(compute.processes) if needed or (there and not compute.on_cpu) else 0.0
        return cls(float(compute.cpus or compute.processes), gpus, (compute.memory_gib or 0.0) * GIB, labels)

    def could_fit(self, node: Node) -> bool:
        """Whether the node has all of it when it is idle."""
        whole = (node.cpus, node.gpus, node.memory_bytes)
        return _has(node, self.labels) and self._within(whole)

    def fits_now(self, node: Node) -> bool:
        """Whether all of it is free there."""
        return self.could_fit(node) and self._within((node.free_cpus, node.free_gpus, node.free_memory_bytes))

    def _within(self, there: Sequence[float]) -> bool:
        wanted = (self.cpus, self.gpus, self.memory_bytes)
        return all(need <= has + _ROUNDING for need, has in zip(wanted, there, strict=True))

    def why_nowhere(self, nodes: Sequence[Node]) -> str | None:
        """What the nodes lack, such as `the largest has 2 GPUs`; None: one of them could hold it."""
        if any(self.could_fit(node) for node in nodes):
            return None
        if not nodes:
            return "the cluster has no nodes"
        for key, value in self.labels:
            if not any(node.labels.get(key) == value for node in nodes):
                return f"none has the label {key}={value}"
        fitting = [node for node in nodes if _has(node, self.labels)]
        if not fitting:
            return "none has all of its labels"
        where = "the largest" if not self.labels else "the largest with its labels"
        if self.gpus and not any(node.gpus for node in fitting):
            return "none has a GPU" if not self.labels else "none with its labels has a GPU"
        if (most := max(node.gpus for node in fitting)) + _ROUNDING < self.gpus:
            return f"{where} has {amount(most, 'GPU')}"
        if (most := max(node.cpus for node in fitting)) + _ROUNDING < self.cpus:
            return f"{where} has {amount(most, 'CPU')}"
        if (most := max(node.memory_bytes for node in fitting)) + _ROUNDING < self.memory_bytes:
            return f"{where} has {most / GIB:,.1f} GiB of memory"
        return f"none has {' and '.join(self.words())} at once"

    def words(self) -> list[str]:
        """What it asks for, part by part: `4 CPUs`, `1 GPU`, `8 GiB of memory`."""
        said = [amount(self.cpus, "CPU")]
        if self.gpus:
            said.append(amount(self.gpus, "GPU"))
        if self.memory_bytes:
            said.append(f"{number(round(self.memory_bytes / GIB, 1))} GiB of memory")
        return said


def amount(count: float, noun: str) -> str:
    """`1 GPU`, `2 GPUs`, `0.5 GPUs`."""
    count = round(count, 4)
    return counted(int(count), noun) if count == int(count) else f"{number(count)} {noun}s"


def _has(node: Node, labels: Iterable[tuple[str, str]]) -> bool:
    return all(node.labels.get(key) == value for key, value in labels)
