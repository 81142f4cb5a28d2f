"""The order of runs by values of theirs, alike on SQLite and PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, collate, func, type_coerce

from db.columns import Text
from db.filters import OfConfig, OfMetric, OfMetricAt, SortKey
from db.metrics_at import ranked, values_at
from db.run_values import value_of
from db.schema import metrics, runs, settings

_TEXTS = ("state", "tags", "group", "source", "name", "id", "notes", "device")


def ordered(query: Select[Any], keys: Sequence[SortKey], connection: Connection) -> Select[Any]:
    """A query over `runs` in an order, the first key decisive; of equals the newest first.

    Numbers stand before texts, which are compared by the codes of their characters, ASCII without case; descending it
    is the other way about. Runs that have no value are last in both.
    """
    for key in keys:
        query, values = _values(query, key, connection)
        query = query.order_by(*_alone(values[0], key) if len(values) == 1 else _text_or_number(values, key))
    return query.order_by(runs.c.created_at.desc(), runs.c.id.desc())


def _values(query: Select[Any], key: SortKey, connection: Connection) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """The query, joined with what the key needs, and the columns to sort by, the first decisive."""
    subject, dialect = key.subject, connection.dialect.name
    if isinstance(subject, OfConfig):
        of_path = settings.alias()
        on = (of_path.c.run_id == runs.c.id) & (of_path.c.path == subject.path)
        return query.outerjoin(of_path, on), [_plain(of_path.c.text, dialect), of_path.c.number]
    if isinstance(subject, OfMetric):
        of_name = metrics.alias()
        on = (of_name.c.run_id == runs.c.id) & (of_name.c.name == subject.name)
        return query.outerjoin(of_name, on), [of_name.c[subject.figure]]
    if isinstance(subject, OfMetricAt):
        ranks = ranked(_ranks(values_at(connection, subject)), dialect)
        return query.outerjoin(ranks, ranks.c.key == runs.c.id), [ranks.c.rank]
    column = value_of(subject.column)
    return query, [_plain(column, dialect) if subject.column in _TEXTS else column]


def _ranks(values: Mapping[str, float]) -> dict[str, int]:
    """Places in the order of the values: whole numbers come through JSON as they are."""
    places = {value: place for place, value in enumerate(sorted(set(values.values())))}
    return {run_id: places[value] for run_id, value in values.items()}


def _alone(value: ColumnElement[Any], key: SortKey) -> list[ColumnElement[Any]]:
    """Named once, since it may be a look-up."""
    return [(value.desc() if key.descending else value.asc()).nulls_last()]


def _text_or_number(values: Sequence[ColumnElement[Any]], key: SortKey) -> list[ColumnElement[Any]]:
    """Of which one is NULL. SQLite has NULLs first, PostgreSQL last, unless they are told."""
    missing = and_(*(value.is_(None) for value in values))  # false, which is first, where there is a value
    return [missing, *(value.desc().nulls_last() if key.descending else value.asc().nulls_first() for value in values)]


def _plain(column: ColumnElement[Any], dialect: str) -> ColumnElement[str]:
    """A text as it is compared; an empty one is none."""
    text = func.nullif(type_coerce(column, Text()), "")
    return func.lower(text if dialect == "sqlite" else collate(text, "C"))
