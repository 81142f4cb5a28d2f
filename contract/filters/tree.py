"""A filter as it is understood: comparisons of fields with values, joined by and, or, not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~", "in"]
Figure = Literal["last", "min", "max", "best"]


@dataclass(frozen=True, slots=True)
class RunField:
    """Something of the run's own, by a name of `RUN_FIELDS`."""

    name: str


@dataclass(frozen=True, slots=True)
class SettingField:
    """A leaf of the run's config, by its dotted path."""

    path: str


@dataclass(frozen=True, slots=True)
class MetricField:
    """A figure of one of the run's metrics, or its value at an epoch.

    Attributes:
        figure: a number is an epoch, from 0: the last value that was logged in it.
    """

    name: str
    figure: Figure | int


Field = RunField | SettingField | MetricField


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field beside a value, or beside several with the operator `in`.

    Attributes:
        values: as texts; whether one is a number or a date is decided by the field. Booleans are `true` and `false`.
    """

    field: Field
    operator: Operator
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What does not hold."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more."""

    parts: tuple["Filter", ...]


Filter = And | Or | Not | Comparison


def mentions(tree: Filter, field: Field) -> bool:
    """Whether the filter asks for a field anywhere."""
    return any(each.field == field for each in _comparisons(tree))


def _comparisons(tree: Filter) -> Iterator[Comparison]:
    if isinstance(tree, Comparison):
        yield tree
        return
    for part in (tree.part,) if isinstance(tree, Not) else tree.parts:
        yield from _comparisons(part)
