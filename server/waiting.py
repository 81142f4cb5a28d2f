"""When queued runs are expected to start: from what is left of those that run, and what those before them will take."""

import heapq
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from db import Run, Store, Transition
from server.costs import Costs
from server.timing import RECENT_EPOCHS, timing_of

MOST_LOOKED_AT = 500
"""Of queued runs: who stands behind them waits for an unknown time."""


def expected_starts(free_in: Iterable[float | None], takes: Sequence[float | None]) -> list[float | None]:
    """Seconds until each of the waiting runs starts, each on the slot that is free first.

    Args:
        free_in: for each slot the seconds until it is free. Where nobody knows (None), it is taken to stay busy.
        takes: for each waiting run, in order, the seconds that it will take. Where nobody knows, its slot stays busy.

    Returns:
        None: no slot is known to be free for it.
    """
    known = [seconds for seconds in free_in if seconds is not None]
    heapq.heapify(known)
    starts: list[float | None] = []
    for seconds in takes:
        start = heapq.heappop(known) if known else None
        starts.append(start)
        if start is not None and seconds is not None:
            heapq.heappush(known, start + seconds)
    return starts


def starts_of(store: Store, queued: Sequence[Run], slots: int) -> list[float | None]:
    """Seconds until each queued run is expected to start; None where nobody knows.

    Args:
        queued: those that are not held, in the queue's order.
        slots: how many runs the living workers train at once.
    """
    running = [run for run in store.runs(state="running", archived=None, limit=500).items if run.source == "launched"]
    turns, now = store.transitions(run.id for run in running), datetime.now(UTC)
    left = [_left(store, run, turns[run.id], now) for run in running]
    free = [*left, *([0.0] * (slots - len(running)))][:slots]
    costs = Costs(store)
    starts = expected_starts(free, [_takes(costs, run) for run in queued[:MOST_LOOKED_AT]])
    return [*starts, *([None] * len(queued[MOST_LOOKED_AT:]))]


def _left(store: Store, run: Run, turns: Sequence[Transition], now: datetime) -> float | None:
    seconds: float | None = timing_of(run, turns, store.newest_epochs(run.id, RECENT_EPOCHS), now)["seconds_left"]
    return seconds


def _takes(costs: Costs, run: Run) -> float | None:
    cost = costs.of(run.cost_key)
    if cost is None or run.epochs_planned is None:
        return None
    return cost.seconds(max(0, run.epochs_planned - run.epochs_done))
