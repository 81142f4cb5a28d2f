"""What a run is called and was started with, checked before anything is recorded."""

import json
import math
import os
import secrets
import string
from argparse import Namespace
from collections.abc import Iterable, Mapping, Set
from dataclasses import fields, is_dataclass
from enum import Enum
from numbers import Integral, Real
from types import BuiltinFunctionType, FunctionType, MethodType, SimpleNamespace
from typing import Any

from neq.recording.legible import legible

Json = dict[str, Any]

LONGEST_NAME = 120
LONGEST_TAG = 40
MOST_TAGS = 20
LONGEST_GROUP = 100
LONGEST_NOTES = 10_000
LARGEST_CONFIG = 1_000_000
"""Bytes, as JSON."""
LARGEST_ARRAY = 1_000
"""Values of an array that is taken for a setting."""

_ALPHABET = string.ascii_lowercase + string.digits


def new_run_id() -> str:
    """Ten characters, drawn at random."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def new_writer() -> str:
    """32 hexadecimal digits, drawn by every process that writes a run."""
    return secrets.token_hex(16)


def describe(
    name: str | None,
    config: Mapping[str, Any] | None,
    tags: Iterable[str],
    notes: str,
    group: str | None,
    epochs: int | None,
) -> Json:
    """The body that makes the run, without its id and writer.

    Raises:
        TypeError: an argument is of another kind, or a value in the config is nothing that JSON holds; it is named.
        ValueError: an argument is too long, empty or out of range.
    """
    return {
        "source": "external",
        "name": _name(name),
        "config": _config(config),
        "tags": _tags(tags),
        "notes": _short("notes", notes, LONGEST_NOTES),
        "group": None if group is None else _short("group", group, LONGEST_GROUP, least=1),
        "epochs": _epochs(epochs),
    }


def _short(what: str, text: object, most: int, *, least: int = 0) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{what} is a {type(text).__name__}; give a text")
    text = legible(text.strip())
    if len(text) > most:
        raise ValueError(f"{what} has {len(text):,} characters; shorten it to {most:,} at most")
    if len(text) < least:
        raise ValueError(f"{what} is empty; leave it out instead")
    return text


def _name(name: object) -> str | None:
    return None if name is None else _short("name", name, LONGEST_NAME, least=1)


def _tags(tags: object) -> list[str]:
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise TypeError(f"tags is {tags!r}; give a list of texts, such as ['flowers', 'baseline']")
    found = list(dict.fromkeys(_short("a tag", tag, LONGEST_TAG, least=1) for tag in tags))
    for tag in found:
        if "," in tag:
            raise ValueError(f"tags: {tag!r} has a comma in it; give two tags instead")
    if len(found) > MOST_TAGS:
        raise ValueError(f"tags are {len(found)}; give {MOST_TAGS} at most")
    return found


def _epochs(epochs: object) -> int | None:
    if epochs is None:
        return None
    if isinstance(epochs, bool) or not isinstance(epochs, Integral):
        raise TypeError(f"epochs is a {type(epochs).__name__}; give a whole number, or None where none is planned")
    if not 1 <= int(epochs) <= 10_000_000:
        raise ValueError(f"epochs is {epochs}; it must be between 1 and 10,000,000")
    return int(epochs)


def _config(config: object) -> Json:
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        raise TypeError(f"config is a {type(config).__name__}; give a mapping, such as vars(args)")
    plain: Json = _plain(config, "config", 0)
    size = len(json.dumps(plain, ensure_ascii=False, allow_nan=False).encode())
    if size > LARGEST_CONFIG:
        raise ValueError(f"config has {size:,} bytes as JSON; leave out what is large, {LARGEST_CONFIG:,} are the most")
    return plain


def _plain(value: Any, where: str, depth: int) -> Any:
    """The value as JSON holds it: paths, enums, devices, types and functions become their names, objects that only hold
    values, such as argparse's, mappings."""
    if depth > 50:
        raise ValueError(f"{where[:200]} is nested more than 50 deep; flatten it, or leave it out")
    if isinstance(value, str):
        return legible(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, where, depth + 1)
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, Namespace | SimpleNamespace):
        value = vars(value)
    if isinstance(value, Mapping):
        return {_key(key, where): _plain(item, f"{where}[{key!r}]", depth + 1) for key, item in value.items()}
    if getattr(value, "ndim", 0) and type(size := getattr(value, "size", None)) is int and size <= LARGEST_ARRAY:
        value = value.tolist()  # numpy's arrays
    if isinstance(value, list | tuple | Set):
        return [_plain(item, f"{where}[{place}]", depth + 1) for place, item in enumerate(value)]
    return _scalar(value, where)


def _scalar(value: Any, where: str) -> Any:
    if getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        value = value.item()  # numpy's and torch's numbers
        if isinstance(value, str | bool):
            return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else non_finite(number)
    if isinstance(value, os.PathLike):
        return legible(os.fsdecode(os.fspath(value)))
    if isinstance(value, bytes):
        return legible(os.fsdecode(value))
    if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType):
        return f"{value.__module__}.{value.__qualname__}"
    if type(value).__module__ == "torch" and type(value).__name__ in ("device", "dtype"):
        return str(value)
    raise TypeError(
        f"{where} is a {type(value).__module__}.{type(value).__qualname__}, which JSON cannot hold; leave it out, "
        "or give its name or its number"
    )


def _key(key: object, where: str) -> str:
    if not isinstance(key, str | int | float | bool | None):
        raise TypeError(f"{where} has the key {key!r}, a {type(key).__name__}; give texts as keys")
    return legible(str(key))


def non_finite(number: float) -> str:
    """How a number is written that JSON does not have."""
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
