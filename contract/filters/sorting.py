"""The order of a table, `-metric.val/accuracy.best,neq.epsilon`, and lists of fields."""

from dataclasses import dataclass

from contract.filters.errors import FilterError
from contract.filters.fields import read_field
from contract.filters.tokens import Token, tokens_of
from contract.filters.tree import Field

MOST_KEYS = 8
LONGEST_SORT = 1_000
"""Characters."""
MOST_FIELDS = 50
LONGEST_FIELDS = 8_000


@dataclass(frozen=True, slots=True)
class SortKey:
    """A field by which runs are ordered."""

    field: Field
    descending: bool = False


def parse_sort(text: str) -> tuple[SortKey, ...]:
    """The fields between commas, the first of them decisive; with a minus in front the greatest comes first.

    Raises:
        FilterError: it is empty, cannot be read, or names more than eight.
    """
    if len(text) > LONGEST_SORT:
        said = f"An order may have {LONGEST_SORT:,} characters, and this one has {len(text):,}: shorten it"
        raise FilterError(said, LONGEST_SORT, len(text))
    return _keys(text, MOST_KEYS, f"Runs are sorted by {MOST_KEYS} fields at most")


def parse_fields(text: str) -> tuple[Field, ...]:
    """The fields between commas.

    Raises:
        FilterError: it is empty, cannot be read, or names more than fifty.
    """
    if len(text) > LONGEST_FIELDS:
        said = f"A list of fields may have {LONGEST_FIELDS:,} characters, and this one has {len(text):,}: shorten it"
        raise FilterError(said, LONGEST_FIELDS, len(text))
    keys = _keys(text, MOST_FIELDS, f"Name {MOST_FIELDS} fields at most")
    if any(key.descending for key in keys):
        raise FilterError("Name fields without a minus in front", 0, len(text))
    return tuple(key.field for key in keys)


def parse_field(text: str) -> Field:
    """One field.

    Raises:
        FilterError: the text names none, or more than one.
    """
    keys = parse_sort(text)
    if len(keys) > 1 or keys[0].descending:
        raise FilterError("Name one field", 0, len(text))
    return keys[0].field


def _keys(text: str, most: int, too_many: str) -> tuple[SortKey, ...]:
    tokens = tokens_of(text)
    keys = [_key(tokens[0])]
    for comma, token in zip(tokens[1::2], tokens[2::2], strict=False):
        if comma.value != "," or comma.kind != "mark":
            break
        keys.append(_key(token))
        if len(keys) > most:
            raise FilterError(too_many, token.start, token.end)
    behind = tokens[2 * len(keys) - 1]
    if behind.kind != "end":
        raise FilterError("Expected a comma between two fields here", behind.start, behind.end)
    return tuple(keys)


def _key(token: Token) -> SortKey:
    word = token.value if token.kind == "word" else ""
    field = read_field(word.removeprefix("-")) if word else None
    if field is None:
        said = "A field must stand here, such as created or -metric.val/accuracy.best"
        raise FilterError(said, token.start, token.end)
    return SortKey(field, descending=word.startswith("-"))
