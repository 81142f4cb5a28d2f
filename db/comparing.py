"""What many runs recorded, read at once."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, case, func, select

from db.metrics import joined, metric_of
from db.records import Metric, MetricPoints
from db.schema import epochs, metric_points, metrics
from db.transactions import Transactions, reading

Floats = npt.NDArray[np.float64]
COSTS = (
    "samples",
    "train_seconds",
    "cpu_seconds",
    "device_seconds",
    "flops_forward",
    "flops_inputs",
    "flops_weights",
)


@dataclass(frozen=True, slots=True)
class EpochCosts:
    """What each finished epoch of a run took.

    Attributes:
        epochs: (E,) int64, rising.
        costs: by name (`COSTS`), (E,) float64; NaN where it is not known.
    """

    epochs: npt.NDArray[np.int64]
    costs: dict[str, Floats]


class ComparingQueries(Transactions):
    """What many runs recorded, read at once."""

    @reading
    def epoch_costs(self, connection: Connection, run_ids: Collection[str]) -> dict[str, EpochCosts]:
        """What the finished epochs of these runs took, by run; of one without epochs, empty."""
        columns = [epochs.c[name] for name in COSTS]
        query = select(epochs.c.run_id, epochs.c.epoch, *columns).where(epochs.c.run_id.in_(list(run_ids)))
        rows = defaultdict(list)
        for row in connection.execute(query.order_by(epochs.c.run_id, epochs.c.epoch)):
            rows[row.run_id].append(tuple(row)[1:])
        return {run_id: _costs(rows[run_id]) for run_id in run_ids}

    @reading
    def total_costs(self, connection: Connection, run_ids: Collection[str]) -> dict[str, dict[str, float | None]]:
        """What all finished epochs of each run took (`COSTS`); None where one of them did not tell.

        Runs without a finished epoch are left out.
        """
        sums = [
            case((func.count(epochs.c[name]) == func.count(), func.sum(epochs.c[name]))).label(name) for name in COSTS
        ]
        query = select(epochs.c.run_id, *sums).where(epochs.c.run_id.in_(list(run_ids))).group_by(epochs.c.run_id)
        return {
            row.run_id: {name: None if row[place] is None else float(row[place]) for place, name in enumerate(COSTS, 1)}
            for row in connection.execute(query)
        }

    @reading
    def train_seconds(self, connection: Connection, run_ids: Collection[str]) -> dict[str, list[float]]:
        """How long each finished epoch's training took that told it, by run, in no order."""
        query = select(epochs.c.run_id, epochs.c.train_seconds).where(
            epochs.c.run_id.in_(list(run_ids)), epochs.c.train_seconds.is_not(None)
        )
        found = defaultdict(list)
        for row in connection.execute(query):
            found[row.run_id].append(row.train_seconds)
        return found

    @reading
    def metrics_of(self, connection: Connection, run_ids: Collection[str]) -> dict[str, dict[str, Metric]]:
        """All metrics of these runs as they stand, by run and name."""
        found: dict[str, dict[str, Metric]] = {}
        for row in connection.execute(select(metrics).where(metrics.c.run_id.in_(list(run_ids)))):
            found.setdefault(row.run_id, {})[row.name] = metric_of(row)
        return found

    @reading
    def points_of(self, connection: Connection, run_ids: Collection[str], name: str) -> dict[str, MetricPoints]:
        """The points of a metric in these runs, by run; runs that have none are left out."""
        query = select(metric_points.c.run_id, metric_points.c.points).where(
            metric_points.c.run_id.in_(list(run_ids)), metric_points.c.name == name
        )
        chunks = defaultdict(list)
        for row in connection.execute(query.order_by(metric_points.c.run_id, metric_points.c.first)):
            chunks[row.run_id].append(row.points)
        return {run_id: joined(name, parts) for run_id, parts in chunks.items()}


def _costs(rows: list[tuple[float | None, ...]]) -> EpochCosts:
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 1 + len(COSTS))
    return EpochCosts(table[:, 0].astype(np.int64), dict(zip(COSTS, table[:, 1:].T, strict=True)))
