"""The leaves of configurations, one row each: what tables are filtered, sorted and grouped by."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, insert

from db.columns import storable
from db.schema import settings

MOST_SETTINGS = 2_000
"""Of one run; what comes behind them is recorded and shown, and cannot be filtered by."""
LONGEST_PATH = 200
LONGEST_TEXT = 500
Leaf = tuple[str, str | None, float | None]
"""A dotted path, and its value as text or as a number."""


def leaves(config: Mapping[str, Any]) -> list[Leaf]:
    """The leaves of a configuration that can be looked up, in its order.

    Numbers are numbers; booleans are the texts `true` and `false`; lists are JSON; long texts are cut. What is null,
    or whose path is empty, too long or that of a leaf before it, has none.
    """
    found: dict[str, Leaf] = {}
    for names, value in _walk(config, ()):
        path = storable(".".join(names))
        text, number = _value(value)
        if 0 < len(path) <= LONGEST_PATH and (text is not None or number is not None):
            found.setdefault(path, (path, text, number))
        if len(found) == MOST_SETTINGS:
            break
    return list(found.values())


def store_settings(connection: Connection, configs: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Stores the leaves of the configurations of new runs, given by their ids."""
    rows = [
        {"run_id": run_id, "path": path, "text": text, "number": number}
        for run_id, config in configs
        for path, text, number in leaves(config)
    ]
    if rows:
        connection.execute(insert(settings), rows)


def _walk(value: Any, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _walk(item, (*names, str(name)))
    elif value is not None:
        yield names, value


def _value(value: Any) -> tuple[str | None, float | None]:
    if isinstance(value, bool):
        return str(value).lower(), None
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:  # an integer of hundreds of digits
            return str(value)[:LONGEST_TEXT], None
        return (None, number) if math.isfinite(number) else (str(number), None)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:LONGEST_TEXT], None
