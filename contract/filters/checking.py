"""Whether an operator and its values make sense of a field, and what to write where they do not."""

from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches

from contract.filters.errors import FilterError
from contract.filters.fields import CHOICES, FLAGS, OPERATORS, kind_of
from contract.filters.tokens import Token
from contract.filters.tree import Field, Operator, RunField
from contract.filters.values import is_ago, number_of, span_of

_LONGEST_ECHO = 40
_MEANT = {"is": "=", "eq": "=", "equals": "=", "like": "~", "ilike": "~", "contains": "~", "ne": "!=", "not": "not in"}
_MEANT |= {"lt": "<", "gt": ">", "le": "<=", "ge": ">="}
_ORDERED = ("<", "<=", ">", ">=")
_NOW = datetime(2000, 1, 1, tzinfo=UTC)
"""Whether a time can be read does not depend on it, but for spans of millennia."""


def operator_for(field: Field, named: Token, token: Token) -> Operator:
    """The operator behind a field.

    Raises:
        FilterError: there is none, or none for fields of this kind.
    """
    allowed = OPERATORS[kind_of(field)]
    known = ", ".join(allowed)
    if not (token.kind == "operator" or (token.kind, token.value) == ("keyword", "in")):
        meant = _MEANT.get(token.value.lower()) if token.kind in ("word", "keyword") else None
        if meant == "not in":
            raise FilterError("Put not in front of the comparison: not (field in (a, b))", token.start, token.end)
        hint = f"did you mean {meant}?" if meant else f"write one of {known}"
        raise FilterError(f"An operator must stand behind {_short(named.value)}: {hint}", token.start, token.end)
    if token.value not in allowed:
        said = f"{_short(named.value)} cannot be compared with {token.value}: use one of {known}"
        raise FilterError(said, token.start, token.end)
    return token.value


def checked_values(field: Field, operator: Operator, values: Sequence[Token]) -> tuple[str, ...]:
    """The values as the tree holds them.

    Raises:
        FilterError: one of them is none that the field can have.
    """
    return tuple(_checked(field, operator, token) for token in values)


def _checked(field: Field, operator: Operator, token: Token) -> str:
    kind = kind_of(field)
    if isinstance(field, RunField) and kind in ("choice", "flag"):
        return _chosen(field.name, CHOICES.get(field.name, FLAGS), token)
    if kind == "time":
        _check_time(operator, token)
    elif (kind in ("number", "metric") or operator in _ORDERED) and number_of(token.value) is None:
        remedy = "; texts are compared by =, !=, ~ and in" if kind == "setting" else ""
        said = f"A number must stand here, such as 0.001, not {_short(token.value)}{remedy}"
        raise FilterError(said, token.start, token.end)
    return token.value


def _chosen(name: str, choices: Sequence[str], token: Token) -> str:
    small = token.value.lower()
    if small in choices:
        return small
    near = get_close_matches(small, choices, 1)
    hint = f": did you mean {near[0]}?" if near else ""
    *first, last = choices
    said = f"{name} is {', '.join(first)} or {last}, never {_short(token.value)}{hint}"
    raise FilterError(said, token.start, token.end)


def _check_time(operator: Operator, token: Token) -> None:
    if span_of(token.value, _NOW) is None:
        said = f"Write a date such as 2026-11-30, or a time before now such as 7d or 12h, not {_short(token.value)}"
        raise FilterError(said, token.start, token.end)
    if is_ago(token.value) and operator not in _ORDERED:
        said = f"{token.value} is one moment: write created > {token.value} for what is newer"
        raise FilterError(said, token.start, token.end)


def _short(text: str) -> str:
    shown = "".join(each if each.isprintable() else "�" for each in text[:_LONGEST_ECHO])
    return shown if len(text) <= _LONGEST_ECHO else shown + "…"
