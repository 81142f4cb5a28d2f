"""Metrics at an epoch: read from their points, which no database looks into."""

import json
import math
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, FromClause, Integer, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSON

from db.columns import Text
from db.filters import OfMetricAt
from db.metrics import last_in
from db.schema import metric_points, metrics

MOST_NAMED = 500
"""Runs that a query names one by one."""


def values_at(connection: Connection, subject: OfMetricAt, ids: Collection[str] | None = None) -> dict[str, float]:
    """By run the value; runs that have none are left out.

    Args:
        ids: of the runs that are asked for; None: of all.
    """
    # By way of `metrics`, which is found by name; points are found by their run.
    same = (metric_points.c.run_id == metrics.c.run_id) & (metric_points.c.name == metrics.c.name)
    columns = (metric_points.c.run_id, metric_points.c.first, metric_points.c.points)
    query = select(*columns).join_from(metrics, metric_points, same)
    query = query.where(metrics.c.name == subject.name)
    if ids is not None and len(ids) <= MOST_NAMED:
        query = query.where(metrics.c.run_id.in_(ids))
    found: dict[str, tuple[int, float]] = {}
    for run_id, first, chunk in connection.execute(query):  # in no order: to sort them would take as long again
        value = last_in(chunk, subject.epoch)
        if value is not None and found.get(run_id, (-1,))[0] < first:
            found[run_id] = (first, value)
    return {run_id: value for run_id, (_, value) in found.items() if math.isfinite(value)}


def listed(ids: Iterable[str], dialect: str) -> FromClause:
    """Runs as a table with the column `key`, through one parameter, however many they are."""
    return ranked(dict.fromkeys(ids, 0), dialect)


def ranked(ranks: Mapping[str, int], dialect: str) -> FromClause:
    """Runs as a table with the columns `key` and `rank`."""
    text = literal(json.dumps(ranks), Text())
    if dialect == "sqlite":
        each = func.json_each(text).table_valued("key", "value")
        return select(each.c.key, each.c.value.label("rank")).subquery()
    each = func.json_each_text(cast(text, JSON)).table_valued("key", "value")
    return select(each.c.key, cast(each.c.value, Integer).label("rank")).subquery()
