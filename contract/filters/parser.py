"""From the text of a filter to its tree.

filter     = all { "or" all }
all        = part { "and" part }
part       = "not" part | "(" filter ")" | comparison
comparison = field operator value | field "in" "(" value { "," value } ")"
"""

from contract.filters.checking import checked_values, operator_for
from contract.filters.errors import FilterError
from contract.filters.fields import FLAGS, read_field
from contract.filters.tokens import Token, tokens_of
from contract.filters.tree import And, Comparison, Field, Filter, Not, Or

LONGEST_FILTER = 2_000
"""Characters."""
MOST_COMPARISONS = 100
MOST_VALUES = 500
"""In all lists together."""
MOST_NESTED = 50
"""Parentheses and nots within each other."""


def parse_filter(text: str) -> Filter:
    """The tree of a filter.

    Raises:
        FilterError: it is empty, cannot be read, or is beyond the limits.
    """
    if len(text) > LONGEST_FILTER:
        said = f"A filter may have {LONGEST_FILTER:,} characters, and this one has {len(text):,}: shorten it"
        raise FilterError(said, LONGEST_FILTER, len(text))
    return _Parser(text).whole()


class _Parser:
    """Walks the words of one text from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._place = 0
        self._comparisons = 0
        self._values = 0

    def whole(self) -> Filter:
        if self._next.kind == "end":
            raise FilterError("The filter is empty: write a field, an operator and a value", 0, self._next.end)
        tree = self._any(0)
        token = self._next
        if token.kind != "end":
            said = "This ) closes nothing: remove it" if token.value == ")" else "Expected and, or, or the end here"
            raise FilterError(said, token.start, token.end)
        return tree

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        self._place += token.kind != "end"
        return token

    def _skip(self, kind: str, value: str) -> bool:
        found = (self._next.kind, self._next.value) == (kind, value)
        self._place += found
        return found

    def _any(self, depth: int) -> Filter:
        parts = [self._all(depth)]
        while self._skip("keyword", "or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self, depth: int) -> Filter:
        parts = [self._part(depth)]
        while self._skip("keyword", "and"):
            parts.append(self._part(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _part(self, depth: int) -> Filter:
        token = self._next
        if depth > MOST_NESTED:
            said = f"Parentheses and nots may be nested {MOST_NESTED} deep: write the filter flatter"
            raise FilterError(said, token.start, token.end)
        if self._skip("keyword", "not"):
            return Not(self._part(depth + 1))
        if self._skip("mark", "("):
            tree = self._any(depth + 1)
            if not self._skip("mark", ")"):
                raise FilterError("This ( is never closed: write a ) behind its part", token.start, token.end)
            return tree
        return self._comparison()

    def _comparison(self) -> Filter:
        field, named = self._field()
        self._comparisons += 1
        if self._comparisons > MOST_COMPARISONS:
            said = f"A filter may have {MOST_COMPARISONS} comparisons: use in (…) for values of one field"
            raise FilterError(said, named.start, named.end)
        operator = operator_for(field, named, self._take())
        values = self._several() if operator == "in" else (self._value(),)
        return Comparison(field, operator, checked_values(field, operator, values))

    def _field(self) -> tuple[Field, Token]:
        token = self._take()
        if token.kind != "word":
            said = "A field must stand here, such as state or neq.epsilon"
            if token.kind in ("text", "keyword") and token.value not in ("and", "or"):
                said += "; names with other characters are written in backquotes"
            raise FilterError(said, token.start, token.end)
        field = read_field(token.value)
        if field is None:
            said = "This names no field: write metric.NAME.last, or the path of a setting"
            raise FilterError(said, token.start, token.end)
        return field, token

    def _several(self) -> tuple[Token, ...]:
        opening = self._next
        if not self._skip("mark", "("):
            raise FilterError("in takes a list: write in (a, b, c)", opening.start, opening.end)
        values = [self._value()]
        while self._skip("mark", ","):
            values.append(self._value())
        if not self._skip("mark", ")"):
            token = self._next
            raise FilterError("Expected a comma or ) in the list of values", token.start, token.end)
        return tuple(values)

    def _value(self) -> Token:
        token = self._take()
        self._values += 1
        if self._values > MOST_VALUES:
            raise FilterError(f"A filter may have {MOST_VALUES} values: ask for fewer", token.start, token.end)
        if token.kind == "text":
            return token
        if token.kind != "word" or "`" in token.value:
            said = "A value must stand here: a number, a word, or a text in quotes"
            raise FilterError(said, token.start, token.end)
        small = token.value.lower()
        return Token("word", small, token.start, token.end) if small in FLAGS else token
