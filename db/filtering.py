"""From a filter to SQL: two-valued on either database, so that a NOT of what is not there holds."""

import operator as operators
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, exists, false, func, literal, not_, or_, select, true

from db.columns import Text, storable
from db.filters import All, Compared, Filter, Not, OfConfig, OfMetric, OfMetricAt, Operator, Value
from db.folding import contains, contains_exactly
from db.metrics_at import listed, values_at
from db.run_values import is_logged, value_of
from db.schema import metrics, runs, settings
from db.settings import LONGEST_TEXT

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}


def condition(tree: Filter, connection: Connection) -> ColumnElement[bool]:
    """What holds of the rows of `runs` that the filter keeps; true or false, never NULL.

    Args:
        tree: the filter.
        connection: where it is asked; metrics at an epoch are read at once.
    """
    return _compiled(tree, connection, holds=True)


def _compiled(tree: Filter, connection: Connection, *, holds: bool) -> ColumnElement[bool]:
    """With NOT moved into the comparisons, and the largest part in front.

    SQLite before 3.46 reads expressions with a stack of 100: what stands in front of a parenthesis takes room on it.
    """
    if isinstance(tree, Not):
        return _compiled(tree.part, connection, holds=not holds)
    if isinstance(tree, Compared):
        compared = _compared(tree, connection)
        return compared if holds else not_(compared)
    parts = sorted(tree.parts, key=_size, reverse=True)
    join = and_ if isinstance(tree, All) is holds else or_
    return join(*(_compiled(part, connection, holds=holds) for part in parts))


def _size(tree: Filter) -> int:
    if isinstance(tree, Compared):
        return 1
    return 1 + sum(_size(part) for part in ((tree.part,) if isinstance(tree, Not) else tree.parts))


def _compared(asked: Compared, connection: Connection) -> ColumnElement[bool]:
    subject, dialect = asked.subject, connection.dialect.name
    if isinstance(subject, OfMetricAt):
        return _at_epoch(subject, asked, connection)
    if isinstance(subject, OfConfig):
        return _of_config(subject, asked, dialect)
    if isinstance(subject, OfMetric):
        return _of_metric(subject, asked, dialect)
    if subject.column == "tags":
        return _of_tags(asked, dialect)
    held = _value_holds(value_of(subject.column), asked.operator, asked.values, dialect)
    if is_logged(subject.column):
        return func.coalesce(held, false())  # to ask for its NULL would look it up twice
    column = runs.c[subject.column]
    return and_(column.is_not(None), held) if column.nullable else held


def _of_config(subject: OfConfig, asked: Compared, dialect: str) -> ColumnElement[bool]:
    text, number = settings.c.text, settings.c.number
    if asked.operator in ("in", "not in"):
        texts = [storable(value)[:LONGEST_TEXT] for value in asked.values if isinstance(value, str)]
        numbers = [value for value in asked.values if isinstance(value, float)]
        # One of both is NULL, and to be IN is then neither true nor false.
        same = or_(and_(text.is_not(None), text.in_(texts)), and_(number.is_not(None), number.in_(numbers)))
        held = same if asked.operator == "in" else not_(same)
    elif asked.operator == "contains":
        needle = str(asked.values[0])
        held = and_(text.is_not(None), contains(text, needle, dialect)) if needle else true()
    else:
        held = and_(number.is_not(None), _ordered(number, asked.operator, asked.values[0]))
    return _is_in(settings, and_(settings.c.path == subject.path, held), dialect)


def _of_metric(subject: OfMetric, asked: Compared, dialect: str) -> ColumnElement[bool]:
    figure = metrics.c[subject.figure]
    held = and_(figure.is_not(None), _value_holds(figure, asked.operator, asked.values, ""))
    return _is_in(metrics, and_(metrics.c.name == subject.name, held), dialect)


def _at_epoch(subject: OfMetricAt, asked: Compared, connection: Connection) -> ColumnElement[bool]:
    ids = [run_id for run_id, value in values_at(connection, subject).items() if _is_so(value, asked)]
    return runs.c.id.in_(select(listed(ids, connection.dialect.name).c.key))


def _is_so(value: float, asked: Compared) -> bool:
    if asked.operator in ("in", "not in"):
        return (value in asked.values) is (asked.operator == "in")
    return bool(_ORDER[asked.operator](value, asked.values[0]))


def _is_in(table: Table, held: ColumnElement[bool], dialect: str) -> ColumnElement[bool]:
    """Whether a run has a row of which this holds.

    SQLite looks each run up for an EXISTS, and can begin with the rows of an IN, which may be few. PostgreSQL can begin
    with either, but within an OR, or behind a NOT, reads the rows of an IN run by run once they exceed its memory.
    """
    if dialect == "sqlite":
        return runs.c.id.in_(select(table.c.run_id).where(held))
    return exists().where(table.c.run_id == runs.c.id, held).correlate(runs)


def _of_tags(asked: Compared, dialect: str) -> ColumnElement[bool]:
    """Tags stand between commas, and have none themselves."""
    if asked.operator == "contains":
        text = str(asked.values[0])
        if not text:
            return _tags_as_text() != literal("", Text())
        return false() if "," in text else contains(_tags_as_text(), text, dialect)
    tags = [str(value) for value in asked.values]
    has = [contains_exactly(_tags_as_text(), f",{tag},", dialect) for tag in tags if tag and "," not in tag]
    return or_(false(), *has) if asked.operator == "in" else not_(or_(false(), *has))


def _tags_as_text() -> ColumnElement[str]:
    return runs.c.tags.op("||", return_type=Text())(literal("", Text()))


def _value_holds(
    column: ColumnElement[Any], operator: Operator, values: Sequence[Value], dialect: str
) -> ColumnElement[bool]:
    if operator == "contains":
        return contains(column, str(values[0]), dialect) if values[0] else true()
    if operator in ("in", "not in"):
        same = column.in_(values)
        return same if operator == "in" else not_(same)
    return _ordered(column, operator, values[0])


def _ordered(column: ColumnElement[Any], operator: Operator, value: Value) -> ColumnElement[bool]:
    return column.bool_op(operator)(value)
