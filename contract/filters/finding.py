"""From a value to the filter that finds the runs which have it."""

from contract.filters.fields import kind_of
from contract.filters.tree import Comparison, Field, Filter, Not, Or

Found = str | float | bool | None


def finds(field: Field, value: Found) -> Filter:
    """What holds of exactly the runs that have this value of a field; None: of those that have none there.

    Args:
        field: any.
        value: a tag of several; of a time its day in UTC, as an ISO date.
    """
    if value is None:
        return Not(_has_any(field))
    if isinstance(value, bool):
        return Comparison(field, "=", (str(value).lower(),))
    return Comparison(field, "=", (value if isinstance(value, str) else repr(value),))


def _has_any(field: Field) -> Filter:
    if kind_of(field) in ("number", "metric"):
        return Or((Comparison(field, "<", ("0",)), Comparison(field, ">=", ("0",))))
    return Comparison(field, "~", ("",))
