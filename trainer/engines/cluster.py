"""A cluster that runs are trained on, as its worker sees it: nodes, and one reserved place after the other."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from contract.checks.capabilities import Node
from contract.placement import Request
from trainer.engines import Engine


class Reservation(ABC):
    """A part of some node, asked for or given."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether a node has given it; waits for no more than a moment."""

    @abstractmethod
    def engine(self) -> Engine:
        """What trains one run in it."""

    @abstractmethod
    def release(self) -> None:
        """Gives it back, or asks for it no longer; what still trains in it is ended. A second call does nothing."""


class Cluster(ABC):
    """Machines that share their own scheduler."""

    @abstractmethod
    def nodes(self) -> tuple[Node, ...]:
        """Those that live and may be used, as they were a moment ago; none while the cluster does not answer."""

    @abstractmethod
    def reserve(self, request: Request, node_ids: Sequence[str]) -> Reservation:
        """Asks for a place on whichever of these nodes has it first."""
