"""Values: numbers, moments and spans of time, as they are written in a filter."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_AGO = re.compile(r"([0-9]{1,9})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATETIME = re.compile(
    rf"{_DATE}(?:[T ](?P<minute>[0-9]{{2}}:[0-9]{{2}})(?P<second>:[0-9]{{2}}(?P<fraction>\.[0-9]{{1,6}})?)?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a value stands for: from `begin` up to before `end`, both aware.

    A date is its whole day in UTC, a time its minute or second; `7d` is one moment, so both are the same.
    """

    begin: datetime
    end: datetime


def number_of(text: str) -> float | None:
    """The number that a text spells, as a float64; None where it spells none, or one that is not finite."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def is_ago(text: str) -> bool:
    """Whether the text is a time before now, such as `7d`."""
    return _AGO.fullmatch(text) is not None


def span_of(text: str, now: datetime) -> Span | None:
    """The time that a text stands for.

    Args:
        text: an ISO date or datetime, in UTC where it names no time zone; or `30m`, `12h`, `7d`, `2w` before now.
        now: aware.
    Returns:
        None where it is none of them, or beyond the calendar.
    """
    try:
        if match := _AGO.fullmatch(text):
            moment = now - timedelta(**{_UNITS[match[2]]: int(match[1])})
            return Span(moment, moment)
        if match := _DATETIME.fullmatch(text):
            begin = datetime.fromisoformat(text)
            begin = begin.replace(tzinfo=UTC) if begin.tzinfo is None else begin.astimezone(UTC)
            return Span(begin, begin + _precision(match))
    except (ValueError, OverflowError):
        return None
    return None


def _precision(match: re.Match[str]) -> timedelta:
    if match["fraction"]:
        return timedelta(microseconds=1)
    if match["second"]:
        return timedelta(seconds=1)
    return timedelta(minutes=1) if match["minute"] else timedelta(days=1)
