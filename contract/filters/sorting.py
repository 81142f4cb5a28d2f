"""The order of a table: `-metric.val/accuracy.best,neq.epsilon`."""

from dataclasses import dataclass

from contract.filters.errors import FilterError
from contract.filters.fields import read_field
from contract.filters.tokens import Token, tokens_of
from contract.filters.tree import Field

MOST_KEYS = 8
LONGEST_SORT = 1_000
"""Characters."""


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
    tokens = tokens_of(text)
    keys = [_key(tokens[0])]
    for comma, token in zip(tokens[1::2], tokens[2::2], strict=False):
        if comma.value != "," or comma.kind != "mark":
            break
        keys.append(_key(token))
        if len(keys) > MOST_KEYS:
            raise FilterError(f"Runs are sorted by {MOST_KEYS} fields at most", token.start, token.end)
    behind = tokens[2 * len(keys) - 1]
    if behind.kind != "end":
        raise FilterError("Expected a comma between two fields here", behind.start, behind.end)
    return tuple(keys)


def parse_field(text: str) -> Field:
    """One field.

    Raises:
        FilterError: the text names none, or more than one.
    """
    keys = parse_sort(text)
    if len(keys) > 1 or keys[0].descending:
        raise FilterError("Name one field", 0, len(text))
    return keys[0].field


def _key(token: Token) -> SortKey:
    word = token.value if token.kind == "word" else ""
    field = read_field(word.removeprefix("-")) if word else None
    if field is None:
        said = "A field must stand here, such as created or -metric.val/accuracy.best"
        raise FilterError(said, token.start, token.end)
    return SortKey(field, descending=word.startswith("-"))
