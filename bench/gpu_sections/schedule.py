"""The sections in order of worth, and how many of the seconds each may take. Imports no torch."""

from collections.abc import Sequence

SECTIONS: dict[str, float] = {
    "machine": 12,
    "right": 65,
    "sync": 25,
    "step": 130,
    "probe": 25,
    "memory": 25,
    "plans": 25,
    "graph": 23,
    "run": 70,
}
"""Of 400 seconds. What a section leaves over is its successors'."""


def share(section: str, todo: Sequence[str], left: float) -> float:
    """Seconds that a section may take.

    Args:
        todo: the sections that are still to come, this one included.
        left: seconds in all.
    """
    return left * SECTIONS[section] / sum(SECTIONS[name] for name in todo)
