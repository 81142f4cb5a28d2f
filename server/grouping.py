"""Runs that have values in common, as one row each: how many, in which states, and what their other values come to.

Column by column, with numpy: to look at ten thousand groups one by one would take seconds.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from contract.filters import LONGEST_FILTER, And, Field, MetricField, RunField, filter_text, finds
from db.values import Cell, ValueTable
from server.control_kinds import finds_control
from server.controls import TITLES, Control
from server.repetitions import Repetitions

Value = str | float | bool | None
Key = tuple[Value, ...]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_LONGEST_WHERE = LONGEST_FILTER // 2
_TRAINED = ("epochs", "accuracy", "best_accuracy", "test_loss", "best_test_loss", "frozen")
"""A run's own fields that its training came to, which a fork has from another run at first."""
"""Characters of a group's filter: room is left for that which it is joined with."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's values by group; every array is (groups,).

    Attributes:
        known: how many of the runs that count have a value.
        distinct: how many different ones.
        mean: of numbers; NaN where there is none, and of what is not all numbers.
        std: of the sample, n - 1; NaN of less than two.
        common: the value that all runs of the group have; None: there is no such value.
    """

    known: Ints
    distinct: Ints
    mean: Floats
    std: Floats
    common: list[Value]


_EACH_BY_ITSELF = Repetitions()


class Groups:
    """The runs of a table by the values of its first columns, and by their kind of control."""

    def __init__(
        self,
        table: ValueTable,
        by: Sequence[Field],
        shown: Sequence[Field] = (),
        repetitions: Repetitions = _EACH_BY_ITSELF,
    ) -> None:
        """Parts them; the table's first columns are those of the fields, then come those of what is shown of them."""
        self._table, self._by, self._shown, self._repetitions = table, by, shown, repetitions
        places: dict[tuple[Key, Control | None], list[int]] = {}
        keyed = zip(table.ids, *table.columns[: len(by)], strict=True)
        for row, (run_id, *values) in enumerate(keyed):
            control = repetitions.controls.get(run_id)
            for key in product(*map(_values, values)):
                places.setdefault((key, control), []).append(row)
        self.keys = [key for key, _ in places]
        self._controls = [control for _, control in places]
        self._parted = {key for key, control in places if control}  # there the others need to be told from controls
        self._rows = list(places.values())
        counted = [self._counted(rows) for rows in self._rows]
        self._row = np.array([row for rows in counted for row in rows], np.int64)
        self.sizes = np.array([len(rows) for rows in counted], np.int64)
        self._group = np.repeat(np.arange(len(places)), self.sizes)
        self._untrained = np.array([run_id in repetitions.untrained for run_id in table.ids], np.bool_)

    def _counted(self, rows: Sequence[int]) -> list[int]:
        left_out = self._repetitions.left_out(self._table.ids[row] for row in rows)
        return [row for row in rows if self._table.ids[row] not in left_out]

    @property
    def control_names(self) -> list[str]:
        """By group: runs that are not controls come before those that are."""
        return [control or "" for control in self._controls]

    def column(self, place: int) -> Column:
        """What the values of a column come to; `place` counts from behind those that the runs are grouped by."""
        codes, different = _coded(self._table.columns[len(self._by) + place])
        if place < len(self._shown) and _is_trained(self._shown[place]):
            codes = np.where(self._untrained, -1, codes)
        told = codes[self._row]
        here, known = self._group[told >= 0], told[told >= 0]
        number = len(self.keys)
        held, which = np.divmod(np.unique(here * max(1, len(different)) + known), max(1, len(different)))
        distinct = np.bincount(held, minlength=number)
        counts = np.bincount(here, minlength=number)
        common: list[Value] = [None] * number
        alone = ((distinct == 1) & (counts == self.sizes))[held]
        for group, code in zip(held[alone].tolist(), which[alone].tolist(), strict=True):
            common[group] = different[code]
        mean, std = _moments(different, here, known, counts)
        return Column(counts, distinct, mean, std, common)

    def told(self, group: int, columns: Sequence[Column]) -> dict[str, Any]:
        """A group as `schemas.RunGroup` has it."""
        rows, key, control = self._rows[group], self.keys[group], self._controls[group]
        return {
            "values": list(key),
            "control": control and TITLES[control],
            "where": self._where(key, control),
            "runs": int(self.sizes[group]),
            "left_out": len(rows) - int(self.sizes[group]),
            "states": Counter(self._table.states[row] for row in rows),
            "ids": [self._table.ids[row] for row in rows],
            "names": [self._table.names[row] for row in rows],
            "cells": [_cell(column, group) for column in columns],
        }

    def _where(self, key: Key, control: Control | None) -> str | None:
        found = [finds(field, value) for field, value in zip(self._by, key, strict=True)]
        if key in self._parted:
            found.append(finds_control(control))
        text = filter_text(found[0] if len(found) == 1 else And(tuple(found)))
        return text if len(text) <= _LONGEST_WHERE else None


def _is_trained(field: Field) -> bool:
    return isinstance(field, MetricField) or (isinstance(field, RunField) and field.name in _TRAINED)


def in_order(ranked: Sequence[tuple[Sequence[Any], bool]], number: int) -> list[int]:
    """The places of groups in an order.

    Args:
        ranked: values by group, and whether the greatest comes first; the first decisive.
        number: of groups.
    Returns:
        Numbers before texts, which are without case; groups without a value last in either direction.
    """
    order = list(range(number))
    for values, descending in reversed(ranked):
        ranks = [_rank(value) for value in values]
        order.sort(key=ranks.__getitem__, reverse=descending)
        order.sort(key=[_is_missing(value) for value in values].__getitem__)
    return order


def _rank(value: Any) -> tuple[bool, Any]:
    if _is_missing(value):
        return (False, 0.0)
    return (True, value.lower()) if isinstance(value, str) else (False, float(value))


def _is_missing(value: Any) -> bool:
    return value is None or value != value


def sorted_by(column: Column) -> list[Any]:
    """What groups are ordered by: the mean of numbers, else the value that all runs have."""
    means = column.mean.tolist()
    return [common if mean != mean else mean for common, mean in zip(column.common, means, strict=True)]


def _values(value: Cell) -> tuple[Value, ...]:
    """What a run is grouped by: each of its tags, the day of a time."""
    if isinstance(value, tuple):
        return tuple(dict.fromkeys(value)) or (None,)
    return (value.astimezone(UTC).date().isoformat(),) if isinstance(value, datetime) else (value,)


def _plain(value: Cell) -> Value:
    if isinstance(value, tuple):
        return ", ".join(value) or None
    return value.isoformat() if isinstance(value, datetime) else value


def _coded(values: Sequence[Cell]) -> tuple[Ints, list[Value]]:
    """Of each value its place among the different ones, -1 where there is none; and those."""
    if any(isinstance(value, tuple | datetime) for value in values[:1]):  # a column of a run's own is of one kind
        values = [_plain(value) for value in values]
    places: dict[tuple[type, Cell], int] = {}
    codes = [-1 if value is None else places.setdefault((type(value), value), len(places)) for value in values]
    return np.array(codes, np.int64), [_plain(value) for _, value in places]


def _moments(different: Sequence[Value], group: Ints, code: Ints, counts: Ints) -> tuple[Floats, Floats]:
    """Mean and deviation by group, in two passes; of equal numbers exactly theirs, and 0."""
    nothing = np.full(len(counts), np.nan)
    if not different or not {type(value) for value in different} <= {int, float}:
        return nothing, nothing
    values = np.array(different, np.float64)[code]
    first = np.zeros(len(counts))
    first[group[::-1]] = values[::-1]  # what is left of it is small, so that nothing is lost in the sums
    with np.errstate(all="ignore"):
        mean = first + np.bincount(group, values - first[group], len(counts)) / counts
        squares = np.bincount(group, (values - mean[group]) ** 2, len(counts))
        return mean, np.sqrt(np.where(counts > 1, squares / (counts - 1), np.nan))


def _cell(column: Column, group: int) -> dict[str, Any]:
    return {
        "known": int(column.known[group]),
        "distinct": int(column.distinct[group]),
        "mean": float(column.mean[group]),
        "std": float(column.std[group]),
        "value": column.common[group],
    }
