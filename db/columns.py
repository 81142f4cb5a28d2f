"""Column types that mean the same in SQLite and PostgreSQL."""

import json
import math
import re
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy
from sqlalchemy import DateTime, Dialect, LargeBinary, String
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime; SQLite, which drops time zones, holds it in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: give an aware datetime")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def storable(text: str) -> str:
    """The text without what a database refuses: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair without the other: Python joins pairs when it reads them."""


class Text(TypeDecorator[str]):
    """Text, made storable."""

    impl = sqlalchemy.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class Varchar(TypeDecorator[str]):
    """A short text such as an id, made storable, since what is looked for may come from a browser."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class Tags(TypeDecorator[tuple[str, ...]]):
    """Words between commas, `,a,b,`, so that one of them is found as `,a,`."""

    impl = sqlalchemy.Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        words = [storable(word) for word in value]
        if wrong := next((word for word in words if not word or "," in word), None):
            raise ValueError(f"{wrong!r} is no tag: leave out the comma")
        return f",{','.join(words)}," if words else ""

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(word for word in value.split(",") if word)


class JsonText(TypeDecorator[dict[str, Any]]):
    """A JSON object as text, in the order it was given; never searched by the database."""

    impl = sqlalchemy.Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        # As escaped ASCII: neither a NUL nor half a surrogate pair in a log line can then upset a database.
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:
        return None if value is None else json.loads(value)


class JsonListText(TypeDecorator[tuple[dict[str, Any], ...]]):
    """JSON objects in order, as text; NULL is none of them."""

    impl = sqlalchemy.Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[dict[str, Any]] | None, dialect: Dialect) -> str | None:
        return "[" + ",".join(to_json(item) for item in value) + "]" if value else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[dict[str, Any], ...]:
        return () if value is None else tuple(json.loads(value))


class PackedJson(TypeDecorator[dict[str, Any]]):
    """A JSON object, deflated: an epoch's columns of numbers shrink about five-fold."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> bytes | None:
        return None if value is None else zlib.compress(to_json(value).encode(), level=1)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> dict[str, Any] | None:
        return None if value is None else json.loads(zlib.decompress(value))


def to_json(value: dict[str, Any]) -> str:
    """Compact JSON; numbers that are not finite become null, and a byte that is no UTF-8 the text `\\xe9`.

    Python stands lone halves of surrogate pairs in for such bytes, of a file's name for instance. Whoever read them
    from the store could not pass them on. Other lone halves are kept: JSON can write them.
    """
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), separators=(",", ":"), allow_nan=False)
    if "\\ud" not in text:
        return text
    whole = _HALF.sub(_escaped, json.dumps(json.loads(text), ensure_ascii=False))
    return json.dumps(json.loads(whole), separators=(",", ":"))


def _escaped(half: re.Match[str]) -> str:
    number = ord(half[0])
    return f"\\\\x{number - 0xDC00:02x}" if 0xDC80 <= number <= 0xDCFF else half[0]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
