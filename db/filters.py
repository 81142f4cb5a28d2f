"""What runs are asked for: comparisons joined by and, or, not, and fields to sort by; without a word of SQL.

Every comparison holds or does not: of a value that is not there none holds, and `Not` of it does.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RunColumn = Literal[
    "state",
    "tags",
    "group",
    "source",
    "name",
    "id",
    "notes",
    "device",
    "created_at",
    "epochs_done",
    "test_accuracy",
    "best_test_accuracy",
    "test_loss",
    "best_test_loss",
    "frozen_fraction",
    "priority",
    "archived",
    "held",
]
Figure = Literal["last", "minimum", "maximum"]
Operator = Literal["in", "not in", "contains", "<", "<=", ">", ">="]
Value = str | float | bool | datetime


@dataclass(frozen=True, slots=True)
class OfRun:
    """A run's own value, see `db.run_values`."""

    column: RunColumn


@dataclass(frozen=True, slots=True)
class OfConfig:
    """A leaf of its configuration, see `db.settings`."""

    path: str


@dataclass(frozen=True, slots=True)
class OfMetric:
    """A figure of one of its metrics."""

    name: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class OfMetricAt:
    """One of its metrics at an epoch: the last value that was told in it; one that is not finite is none."""

    name: str
    epoch: int


Subject = OfRun | OfConfig | OfMetric | OfMetricAt


@dataclass(frozen=True, slots=True)
class Compared:
    """A value of a run beside others.

    Attributes:
        values: one, but for `in` and `not in`. What has the kind of the value compared: texts for texts, floats for
            numbers, bools for flags, aware datetimes for `created_at`. A leaf of a configuration is compared with the
            texts among them where it is a text, and with the floats where it is a number. `contains` takes a text, and
            is without case (see `db.folding`); of an empty text it holds wherever there is a value.
            A run's tags are compared one by one: `in`, `contains` hold where they do for any, and `not in` where `in`
            does not.
    """

    subject: Subject
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What does not hold."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class All:
    """All of them."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them."""

    parts: tuple["Filter", ...]


Filter = All | AnyOf | Not | Compared


@dataclass(frozen=True, slots=True)
class SortKey:
    """A value by which runs are ordered. Numbers stand before texts, and runs that have no value last, either way."""

    subject: Subject
    descending: bool = False
