"""What many runs came to: every metric of each, and what their epochs took, side by side."""

from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from contract.metrics import smaller_is_better
from db import Metric, Run, Store
from db.metrics import SYSTEM
from server.comparing.axes import COST_OF

MOST_METRICS = 300
"""Of all runs together; those that most of them have come first."""


def metrics_of(store: Store, runs: Sequence[Run]) -> tuple[list[dict[str, Any]], int]:
    """The metrics of these runs as `schemas.ComparedMetric` has them, by name, and how many were left out."""
    known = store.metrics_of([run.id for run in runs])
    common = Counter(name for each in known.values() for name in each if not name.startswith(SYSTEM))
    kept = sorted(name for name, _ in common.most_common(MOST_METRICS))
    return [_compared(name, [known.get(run.id, {}).get(name) for run in runs]) for name in kept], len(common) - len(
        kept
    )


def _compared(name: str, rows: Sequence[Metric | None]) -> dict[str, Any]:
    return {
        "name": name,
        "smaller_is_better": smaller_is_better(name),
        "last": [each and each.last for each in rows],
        "least": [each and each.minimum for each in rows],
        "greatest": [each and each.maximum for each in rows],
    }


def totals_of(store: Store, runs: Sequence[Run]) -> dict[str, list[float | None]]:
    """What all finished epochs of each run took, by the axis that adds it up; null where an epoch did not tell."""
    spent = store.total_costs([run.id for run in runs])
    return {axis: [_sum(spent.get(run.id), names) for run in runs] for axis, names in COST_OF.items()}


def epoch_seconds_of(store: Store, runs: Sequence[Run]) -> list[dict[str, Any] | None]:
    """How long the training of an epoch took in each run: median, least and greatest; None where none told."""
    known = store.train_seconds([run.id for run in runs])
    return [_range(known[run.id]) if known.get(run.id) else None for run in runs]


def _range(seconds: Sequence[float]) -> dict[str, Any]:
    return {"median": median(seconds), "low": min(seconds), "high": max(seconds), "count": len(seconds)}


def _sum(costs: dict[str, float | None] | None, names: Sequence[str]) -> float | None:
    values = [None if costs is None else costs[name] for name in names]
    return None if None in values else sum(value for value in values if value is not None)
