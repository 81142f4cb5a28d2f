"""Bounds how often torch.compile must translate a network anew because other layers of it stand still.

A translation holds for the classes of modules and for which parameters require gradients. After some of them (8 by
default) the compiler gives up, and code that it had made faster runs as it was written, for good.
"""

import sys

LIMIT = 4
"""Sets of stopped layers that a network is translated for, beside none."""


def translated() -> int:
    """How much torch.compile translated in this process; it is not imported to find out."""
    utils = sys.modules.get("torch._dynamo.utils")
    return 0 if utils is None else int(utils.counters["frames"]["total"])


class Translations:
    """Remembers what the network was translated for, from now on."""

    def __init__(self) -> None:
        self._before = translated()
        self._seen: set[frozenset[str]] = set()

    def there_are(self) -> bool:
        """Whether anything was translated since; most likely this network."""
        return translated() != self._before

    def nearest(self, stopped: frozenset[str]) -> frozenset[str]:
        """These layers, or after `LIMIT` sets the largest part of them that was a set before."""
        if len(self._seen) < LIMIT and stopped:
            self._seen.add(stopped)
        return max((known for known in self._seen if known <= stopped), key=len, default=frozenset())
