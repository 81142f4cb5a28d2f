"""Filters and orders as they are written, in the store's words."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from fastapi.exceptions import RequestValidationError

from contract import filters as language
from contract.filters import Comparison, Field, FilterError, MetricField, RunField, SettingField
from contract.metrics import smaller_is_better
from db import filters as store

T = TypeVar("T")

COLUMNS: Mapping[str, store.RunColumn] = {
    "state": "state",
    "tag": "tags",
    "group": "group",
    "source": "source",
    "name": "name",
    "id": "id",
    "notes": "notes",
    "created": "created_at",
    "epochs": "epochs_done",
    "accuracy": "test_accuracy",
    "best_accuracy": "best_test_accuracy",
    "test_loss": "test_loss",
    "best_test_loss": "best_test_loss",
    "frozen": "frozen_fraction",
    "archived": "archived",
    "priority": "priority",
    "held": "held",
    "device": "device",
}
"""By the language's names of a run's own fields."""
_OPERATORS: Mapping[language.Operator, store.Operator] = {
    "=": "in",
    "!=": "not in",
    "in": "in",
    "~": "contains",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}
_FIGURES: Mapping[language.Figure, store.Figure] = {"last": "last", "min": "minimum", "max": "maximum"}


def read_where(text: str) -> language.Filter:
    """The filter of a request; 422 with its place for what cannot be read."""
    return _read(language.parse_filter, "where", text)


def read_sort(text: str) -> tuple[store.SortKey, ...]:
    """The order of a request; 422 with its place for what cannot be read."""
    return tuple(store.SortKey(subject_of(key.field), key.descending) for key in read_order(text))


def read_order(text: str) -> tuple[language.SortKey, ...]:
    """The same, in the language's words."""
    return _read(language.parse_sort, "sort", text)


def read_named(text: str, parameter: str = "fields") -> tuple[Field, ...]:
    """The fields that a request names, in the language's words; 422 with its place for what cannot be read."""
    return _read(language.parse_fields, parameter, text)


def read_field(text: str) -> Field:
    """The field that a request names; 422 for what names none."""
    return _read(language.parse_field, "field", text)


def read_fields(text: str) -> tuple[store.Subject, ...]:
    """The values that a request asks for; 422 with its place for what cannot be read."""
    return tuple(map(subject_of, read_named(text)))


def stored_filter(tree: language.Filter, now: datetime | None = None) -> store.Filter:
    """The filter in the store's words.

    Args:
        tree: as it was read.
        now: what `7d` is counted from, aware.
    """
    now = now or datetime.now(UTC)
    if isinstance(tree, language.Not):
        return store.Not(stored_filter(tree.part, now))
    if isinstance(tree, language.And):
        return store.All(tuple(stored_filter(part, now) for part in tree.parts))
    if isinstance(tree, language.Or):
        return store.AnyOf(tuple(stored_filter(part, now) for part in tree.parts))
    return _compared(tree, now)


def subject_of(field: Field) -> store.Subject:
    """The field in the store's words; of a metric's best, its least or its greatest."""
    if isinstance(field, RunField):
        return store.OfRun(COLUMNS[field.name])
    if isinstance(field, SettingField):
        return store.OfConfig(field.path)
    return _of_metric(field)


def _of_metric(field: MetricField) -> store.Subject:
    if isinstance(field.figure, int):
        return store.OfMetricAt(field.name, field.figure)
    if field.figure == "best":
        return store.OfMetric(field.name, "minimum" if smaller_is_better(field.name) else "maximum")
    return store.OfMetric(field.name, _FIGURES[field.figure])


def _compared(tree: Comparison, now: datetime) -> store.Filter:
    subject, operator = subject_of(tree.field), _OPERATORS[tree.operator]
    kind = language.kind_of(tree.field)
    if kind == "time":
        return _in_time(subject, tree.operator, tree.values, now)
    if kind == "setting" and operator in ("in", "not in"):
        return store.Compared(subject, operator, tuple(each for text in tree.values for each in _spelled(text)))
    if kind in ("number", "metric") or operator in ("<", "<=", ">", ">="):
        return store.Compared(subject, operator, tuple(map(_number, tree.values)))
    if kind == "flag":
        return store.Compared(subject, operator, tuple(value == "true" for value in tree.values))
    return store.Compared(subject, operator, tree.values)


def _in_time(subject: store.Subject, operator: language.Operator, values: Sequence[str], now: datetime) -> store.Filter:
    """A date is its whole day: `=` is within, `>` behind its end, `>=` from its beginning on."""
    spans = [span for value in values if (span := language.span_of(value, now))]
    if operator in ("<", ">="):
        return store.Compared(subject, _OPERATORS[operator], (spans[0].begin,))
    if operator in ("<=", ">"):
        return _beyond(subject, operator, spans[0])
    within = tuple(
        store.All((store.Compared(subject, ">=", (span.begin,)), store.Compared(subject, "<", (span.end,))))
        for span in spans
    )
    return store.Not(store.AnyOf(within)) if operator == "!=" else store.AnyOf(within)


def _beyond(subject: store.Subject, operator: language.Operator, span: language.Span) -> store.Filter:
    if span.begin == span.end:
        return store.Compared(subject, _OPERATORS[operator], (span.end,))
    return store.Compared(subject, "<" if operator == "<=" else ">=", (span.end,))


def _spelled(text: str) -> tuple[store.Value, ...]:
    """A text, and the number that it spells: a config may have the one or the other."""
    number = language.number_of(text)
    return (text,) if number is None else (text, number)


def _number(text: str) -> float:
    number = language.number_of(text)
    assert number is not None  # noqa: S101  (the parser has seen to it)
    return number


def _read(parse: Callable[[str], T], field: str, text: str) -> T:
    try:
        return parse(text)
    except FilterError as error:
        place = {"start": error.start, "end": error.end}
        entry = {"type": "value_error", "loc": ("query", field), "msg": error.message, "input": text, "ctx": place}
        raise RequestValidationError([entry]) from error
