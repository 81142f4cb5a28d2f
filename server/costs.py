"""What runs are expected to take, read from runs like them."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

from contract.config import RunConfig
from contract.cost_key import cost_key
from db import Run, Store
from server.timing import RECENT_EPOCHS, epoch_seconds, starting_seconds

MOST_KEYS = 50
"""Kinds of runs that are looked up; what is asked of more is unknown for the others."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run of one kind takes.

    Attributes:
        seconds_per_epoch: medians, like the others, over the runs that it is read from.
        starting_seconds: from a worker's taking it to its training; None: none of them told.
        event_bytes: of each epoch in the store.
        array_bytes: of each epoch with arrays, besides.
        checkpoint_bytes: of all checkpoints that a run keeps.
        read_from: the runs.
    """

    seconds_per_epoch: float
    starting_seconds: float | None
    event_bytes: float
    array_bytes: float
    checkpoint_bytes: float
    read_from: tuple[Run, ...]

    def seconds(self, epochs: int) -> float:
        """Of a run that trains so many epochs, with its start where that is known."""
        return (self.starting_seconds or 0.0) + self.seconds_per_epoch * epochs


class Costs:
    """Looks up what runs of a kind take, each kind once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found: dict[str, Cost | None] = {}

    def of(self, key: str | None) -> Cost | None:
        """Of runs of this cost key; None where no such run has finished an epoch."""
        if key is None:
            return None
        if key not in self._found:
            self._found[key] = self._read(key) if len(self._found) < MOST_KEYS else None
        return self._found[key]

    def _read(self, key: str) -> Cost | None:
        runs = self._store.runs_of_cost(key)
        paces = [epoch_seconds(self._store.newest_epochs(run.id, RECENT_EPOCHS)) for run in runs]
        told = [pace for pace in paces if pace is not None]
        if not told:
            return None
        turns = self._store.transitions(run.id for run in runs)
        started = [starting_seconds(run, turns[run.id]) for run in runs]
        starts = [seconds for seconds in started if seconds is not None]
        sizes = [self._store.size(run.id) for run in runs]
        return Cost(
            median(told),
            median(starts) if starts else None,
            median(size.events for size in sizes),
            median(size.arrays for size in sizes),
            median(size.checkpoints for size in sizes),
            tuple(runs),
        )


def estimate(store: Store, configs: Iterable[RunConfig], slots: int) -> dict[str, Any]:
    """What runs will take together, as `schemas.Estimate` has it; null where no run tells.

    Args:
        configs: what describes them.
        slots: how many of them are trained at once.
    """
    costs = Costs(store)
    found = [(costs.of(cost_key(config)), config) for config in configs]
    known = [(cost, config) for cost, config in found if cost is not None]
    runs = {run.id: run for cost, _ in known for run in cost.read_from}
    seconds = sum(cost.seconds(config.training.epochs) for cost, config in known)
    size = sum(_size(cost, config) for cost, config in known)
    return {
        "seconds": seconds / max(1, min(slots, len(known))) if known else None,
        "with_starting": all(cost.starting_seconds is not None for cost, _ in known),
        "bytes": ceil(size) if known else None,
        "runs_known": len(known),
        "runs_unknown": len(found) - len(known),
        "read_from": len(runs),
        "devices": sorted({run.device for run in runs.values() if run.device}),
        "slots": slots,
    }


def _size(cost: Cost, config: RunConfig) -> float:
    epochs, last = config.training.epochs, config.training.epochs - 1
    with_arrays = sum(config.recording.has_arrays(epoch, last=epoch == last) for epoch in range(epochs))
    return cost.event_bytes * epochs + cost.array_bytes * with_arrays + cost.checkpoint_bytes
