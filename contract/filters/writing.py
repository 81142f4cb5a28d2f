"""From a tree back to its text."""

import re

from contract.filters.fields import FLAGS, METRIC, RUN_FIELDS
from contract.filters.tokens import BARE, KEYWORDS
from contract.filters.tree import And, Comparison, Field, Filter, MetricField, Not, Or, RunField, SettingField

_BARE = re.compile(BARE)
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def filter_text(tree: Filter) -> str:
    """The text of a tree, from which `parse_filter` makes the same tree."""
    if isinstance(tree, Comparison):
        values = ", ".join(map(_value, tree.values))
        return f"{field_text(tree.field)} {tree.operator} " + (f"({values})" if tree.operator == "in" else values)
    if isinstance(tree, Not):
        return f"not {_inner(tree.part)}"
    return (" and " if isinstance(tree, And) else " or ").join(map(_inner, tree.parts))


def field_text(field: Field) -> str:
    """A field as it is written in a filter: in backquotes where it must be."""
    if isinstance(field, RunField):
        return field.name
    if isinstance(field, MetricField):
        figure = f"at.{field.figure}" if isinstance(field.figure, int) else field.figure
        return f"{METRIC}{_name(field.name)}.{figure}"
    return _setting(field)


def _setting(field: SettingField) -> str:
    path = field.path
    taken = path in RUN_FIELDS or path.startswith((METRIC, "-")) or path.lower() in KEYWORDS
    return _quoted(path, "`") if taken else _name(path)


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name, "`")


def _inner(tree: Filter) -> str:
    text = filter_text(tree)
    return f"({text})" if isinstance(tree, And | Or) else text


def _value(value: str) -> str:
    small = value.lower()
    is_bare = _BARE.fullmatch(value) and small not in KEYWORDS and (value in FLAGS or small not in FLAGS)
    return value if is_bare else _quoted(value, '"')


def _quoted(text: str, quote: str) -> str:
    escapes = {**_ESCAPES, quote: f"\\{quote}"}
    return quote + "".join(escapes.get(each, each) for each in text) + quote
