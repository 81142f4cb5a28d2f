"""What a person reads for each kind of error that pydantic finds: the one home of these sentences."""

import re
from collections.abc import Mapping
from typing import Any

from contract.checks.numbers import number
from contract.config.training import LABEL
from contract.ranges import RANGE_WORDS, RangeWrong, in_range

_WORDS = {
    "missing": "This field is required",
    "greater_than": "Must be above {gt}",
    "greater_than_equal": "Must be at least {ge}",
    "less_than": "Must be below {lt}",
    "less_than_equal": "Must be at most {le}",
    "multiple_of": "Must be a multiple of {multiple_of}",
    "int_type": "Must be a whole number",
    "int_parsing": "Must be a whole number",
    "int_parsing_size": "Must be a whole number of fewer digits",
    "int_from_float": "Must be a whole number",
    "float_type": "Must be a number",
    "float_parsing": "Must be a number",
    "decimal_type": "Must be a number",
    "decimal_parsing": "Must be a number",
    "finite_number": "Must be a finite number",
    "bool_type": "Must be true or false",
    "bool_parsing": "Must be true or false",
    "string_type": "Must be text",
    "string_sub_type": "Must be text",
    "string_unicode": "Must be text in UTF-8",
    "string_not_ascii": "Must be ASCII text",
    "string_too_long": "Must have at most {max_length} characters",
    "string_too_short": "Must have at least {min_length} characters",
    "string_pattern_mismatch": "Contains a character that is not allowed here",
    "tuple_type": "Must be a list",
    "list_type": "Must be a list",
    "set_type": "Must be a list",
    "too_short": "Must have at least {min_length} entries",
    "too_long": "Must have at most {max_length} entries",
    "literal_error": "Choose one of {expected}",
    "enum": "Choose one of {expected}",
    "none_required": "Must be empty",
    "dict_type": "Must be an object with named fields",
    "mapping_type": "Must be an object with named fields",
    "model_type": "Must be an object with named fields",
    "model_attributes_type": "Must be an object with named fields",
    "dataclass_type": "Must be an object with named fields",
    "extra_forbidden": "Unknown field",
    "frozen_field": "This cannot be changed",
    "frozen_instance": "This cannot be changed",
    "json_invalid": "Must be JSON",
    "json_type": "Must be JSON",
    "url_type": "Must be an address such as http://127.0.0.1:8000",
    "url_parsing": "Must be an address such as http://127.0.0.1:8000",
    "url_scheme": "Must be an address that begins with {expected_schemes}",
    "path_type": "Must be a path",
    "union_tag_invalid": "Unknown kind; choose one of {expected_tags}",
    "union_tag_not_found": "Give its kind",
}
"""By pydantic's name of the error."""
_PATTERNS = {
    r"^[^,]+$": "Must not contain a comma",
    r"^[^./\\:\x00-\x1f][^/\\:\x00-\x1f]*$": (
        "Must be a folder's name alone: no slash, backslash or colon, and no dot in front"
    ),
    r"^[^\x00]*$": "Must not contain a NUL character",
    r"^[a-z0-9]{10}$": "Must be a run's id, ten letters and digits as in its page's address",
    "^[A-Z]{3}$": "Must be three capital letters, such as DEU",
    LABEL: "Must be key=value, such as zone=a, in letters, digits and . _ -; a key may have a / too",
}
"""By the pattern that a text does not match."""
_OTHERS = "This value cannot be used here"
_DECIMAL_COMMA = re.compile(r"\s*([+-]?\d*),(\d+)\s*")
_GROUPED = re.compile(r"\s*[+-]?\d{1,3}([,_ '’\u00a0\u202f]\d{3})+(\.\d+)?\s*")
_NUMBERS = ("int_type", "int_parsing", "int_from_float", "float_type", "float_parsing")


def sentence(error: Mapping[str, Any]) -> str:
    """The error as pydantic reports it, in plain words and without a full stop.

    Errors that our own validators raise say themselves what is wrong.
    """
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind in _NUMBERS and isinstance(error.get("input"), str) and (hint := _written(error["input"], kind)):
        return hint
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(str(context.get("pattern")), _WORDS[kind])
    if kind == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    if kind in _WORDS:
        plain = {name: number(value) if _is_number(value) else value for name, value in context.items()}
        return _singular(_WORDS[kind].format(**plain))
    return str(error["msg"]) if kind == "wrong_field" else _OTHERS


def _written(text: str, kind: str) -> str:
    """How a number would have to be written; empty where nothing is known."""
    whole = kind.startswith("int")
    if _GROUPED.fullmatch(text) and (whole or "," not in text):
        return f"Write it without separators: {re.sub(r'[^0-9.+-]', '', text)}"
    if (match := _DECIMAL_COMMA.fullmatch(text)) and not whole:
        return f"Use a point: {match[1] or '0'}.{match[2]}"
    if "_" in text:
        return f"Write it without separators: {text.replace('_', '').strip()}"
    return RANGE_WORDS if _is_wrong_range(text) else ""


def _is_wrong_range(text: str) -> bool:
    """Of a sweep: a right one is told apart into its values before it comes here."""
    try:
        in_range(text)
    except RangeWrong:
        return True
    return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _singular(text: str) -> str:
    return text.replace(" 1 characters", " 1 character").replace(" 1 entries", " 1 entry")
