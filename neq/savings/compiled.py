"""Bounds how often torch.compile must recompile a network because other layers of it are frozen whole.

Compiled code holds for the classes of modules and for which parameters require gradients. After some recompiles (8 by
default) the compiler gives up, and code that it had made faster runs as it was written, for good.
"""

import sys

LIMIT = 4
"""Sets of stopped layers that a network is compiled for, beside none."""


def compile_count() -> int:
    """How many times torch.compile compiled something in this process; it is not imported to find out."""
    utils = sys.modules.get("torch._dynamo.utils")
    return 0 if utils is None else int(utils.counters["frames"]["total"])


class Recompiles:
    """Remembers what the network was compiled for, from now on."""

    def __init__(self) -> None:
        self._before = compile_count()
        self._seen: set[frozenset[str]] = set()

    def happened(self) -> bool:
        """Whether anything was compiled since; most likely this network."""
        return compile_count() != self._before

    def nearest(self, stopped: frozenset[str]) -> frozenset[str]:
        """These layers, or after `LIMIT` sets the largest part of them that was a set before."""
        if len(self._seen) < LIMIT and stopped:
            self._seen.add(stopped)
        return max((known for known in self._seen if known <= stopped), key=len, default=frozenset())
