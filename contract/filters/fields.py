"""Fields: what of a run can be asked for, by which operators, and how it is named in a text."""

import re
from collections.abc import Mapping
from typing import Literal, get_args

from contract.filters.tree import Field, Figure, MetricField, Operator, RunField, SettingField

Kind = Literal["choice", "flag", "number", "tags", "text", "time", "setting", "metric"]

RUN_FIELDS: Mapping[str, Kind] = {
    "state": "choice",
    "tag": "tags",
    "group": "text",
    "source": "choice",
    "name": "text",
    "id": "text",
    "notes": "text",
    "created": "time",
    "epochs": "number",
    "accuracy": "number",
    "best_accuracy": "number",
    "test_loss": "number",
    "best_test_loss": "number",
    "frozen": "number",
    "archived": "flag",
    "priority": "number",
    "held": "flag",
    "device": "text",
}
"""The run's own, and what kind of value each has."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "state": ("queued", "running", "finished", "stopped", "failed"),
    "source": ("launched", "external"),
}
FLAGS = ("true", "false")
FIGURES: tuple[Figure, ...] = get_args(Figure)
METRIC = "metric."

_SOME: tuple[Operator, ...] = ("=", "!=", "in")
_ORDER: tuple[Operator, ...] = ("=", "!=", "<", "<=", ">", ">=", "in")
_TEXT: tuple[Operator, ...] = ("=", "!=", "~", "in")
OPERATORS: Mapping[Kind, tuple[Operator, ...]] = {
    "choice": _SOME,
    "flag": _SOME,
    "number": _ORDER,
    "tags": _TEXT,
    "text": _TEXT,
    "time": _ORDER,
    "metric": _ORDER,
    "setting": get_args(Operator),
}
"""Those that make sense of each kind."""

LAST_EPOCH = 10_000_000
_AT = re.compile(r"\.at\.([0-9]{1,8})$")
_PIECE = re.compile(r"`((?:[^`\\]|\\.)*)`|[^`]+", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


def kind_of(field: Field) -> Kind:
    """The kind of a field's values."""
    if isinstance(field, RunField):
        return RUN_FIELDS[field.name]
    return "metric" if isinstance(field, MetricField) else "setting"


def read_field(word: str) -> Field | None:
    """The field that a word names; None where it names nothing.

    What stands in backquotes is taken as it is: in front it makes the word a path of the config, though it be called
    like a field of the run's own; within the name of a metric it holds dots that begin no figure.
    """
    if word in RUN_FIELDS:
        return RunField(word)
    rest = word.removeprefix(METRIC)
    if rest == word:
        path = _plain(word)
        return SettingField(path) if path else None
    figure, rest = _figure(rest)
    name = _plain(rest)
    return MetricField(name, figure) if name else None


def _figure(rest: str) -> tuple[Figure | int, str]:
    """What stands behind the name of a metric, and the name."""
    if (at := _AT.search(rest)) and int(at[1]) <= LAST_EPOCH:
        return int(at[1]), rest[: at.start()]
    for each in FIGURES:
        if rest.endswith(f".{each}"):
            return each, rest.removesuffix(f".{each}")
    return "last", rest


def unescaped(text: str) -> str:
    r"""A text whose backslashes are resolved: `\n`, `\t` and `\r`, and any other character for itself."""
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)


def _plain(word: str) -> str:
    """A word without its backquotes."""
    return "".join(piece[0] if piece[1] is None else unescaped(piece[1]) for piece in _PIECE.finditer(word))
