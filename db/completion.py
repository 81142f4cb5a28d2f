"""What runs can be asked for: paths of settings, names of metrics, and the values that are most frequent."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, func, literal, select

from db.columns import Text
from db.filters import OfConfig, OfRun
from db.run_values import value_of
from db.schema import metrics, runs, settings
from db.transactions import Transactions, reading

Frequent = Sequence[tuple[str | float | bool, int]]
"""Values, and how many runs have each: the most frequent first."""


class CompletionQueries(Transactions):
    """What runs can be asked for."""

    @reading
    def setting_paths(self, connection: Connection, prefix: str, limit: int) -> list[str]:
        """Paths of settings that begin with a prefix, in their order; at most so many."""
        return _distinct(connection, settings.c.path, prefix, limit)

    @reading
    def metric_names(self, connection: Connection, prefix: str, limit: int) -> list[str]:
        """Names of metrics that begin with a prefix, in their order; at most so many."""
        return _distinct(connection, metrics.c.name, prefix, limit)

    @reading
    def frequent_values(self, connection: Connection, subject: OfConfig | OfRun, limit: int) -> Frequent:
        """The most frequent values of a setting, or of a run's own; numbers before texts of the same frequency."""
        if isinstance(subject, OfConfig):
            return _of_setting(connection, subject.path, limit)
        return _of_tags(connection, limit) if subject.column == "tags" else _of_run(connection, subject, limit)


def _distinct(connection: Connection, column: Column[Any], prefix: str, limit: int) -> list[str]:
    """The values of an index's first column, from each to the next: a DISTINCT would read all of its rows.

    Only SQLite orders texts by their characters, so that those of a prefix stand side by side; PostgreSQL walks all.
    """
    side_by_side = connection.dialect.name == "sqlite"
    first = select(func.min(column).label("value"))
    steps = (first.where(column >= prefix) if side_by_side else first).cte("steps", recursive=True)
    following = select(func.min(column)).where(column > steps.c.value).scalar_subquery()
    goes_on = _begins(steps.c.value, prefix) if side_by_side else steps.c.value.is_not(None)
    steps = steps.union_all(select(following).where(goes_on))
    query = select(steps.c.value).where(_begins(steps.c.value, prefix)).limit(limit)
    return sorted(connection.execute(query).scalars())


def _begins(value: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    return func.substr(value, 1, len(prefix)) == literal(prefix, Text())


def _of_setting(connection: Connection, path: str, limit: int) -> Frequent:
    count = func.count()
    query = select(settings.c.text, settings.c.number, count).where(settings.c.path == path)
    query = query.group_by(settings.c.text, settings.c.number).order_by(count.desc()).limit(limit)
    found = [(row[1] if row[0] is None else row[0], row[2]) for row in connection.execute(query)]
    return sorted(found, key=lambda each: (-each[1], isinstance(each[0], str), each[0]))


def _of_run(connection: Connection, subject: OfRun, limit: int) -> Frequent:
    column, count = select(value_of(subject.column).label("value")).select_from(runs).subquery().c.value, func.count()
    query = select(column, count).where(column.is_not(None)).group_by(column).order_by(count.desc(), column)
    return [(row[0], row[1]) for row in connection.execute(query.limit(limit))]


def _of_tags(connection: Connection, limit: int) -> Frequent:
    """Counted here: no database takes what stands between commas apart."""
    query = select(runs.c.tags, func.count()).group_by(runs.c.tags)
    counted: Counter[str] = Counter()
    for tags, number in connection.execute(query):
        counted.update(dict.fromkeys(tags, number))
    return [*sorted(counted.items(), key=lambda each: (-each[1], each[0]))][:limit]
