"""A text of the language, cut into its words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, get_args

from contract.filters.errors import FilterError
from contract.filters.fields import unescaped
from contract.filters.tree import Operator

KEYWORDS = ("and", "or", "not", "in")
OPERATORS: tuple[str, ...] = tuple(each for each in get_args(Operator) if each != "in")
BARE = r"[\w./:+-]+"
"""Fields and values of these characters need no quotes."""

TokenKind = Literal["word", "text", "operator", "keyword", "mark", "end"]

_TOKEN = re.compile(
    rf"""
      (?P<space>\s+)
    | (?P<word>(?:{BARE}|`(?:[^`\\]|\\.)*`)+)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<operator>[=!<>~&|^]+)
    | (?P<mark>[(),])
    """,
    re.VERBOSE | re.DOTALL,
)
_MEANT = {"==": "=", "===": "=", "<>": "!=", "~=": "~", "=~": "~", "!": "not", "&&": "and", "&": "and", "||": "or"}
_MEANT |= {"|": "or", "=<": "<=", "=>": ">=", "!~": "not (field ~ value)"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a sign, or the end.

    Attributes:
        value: what it says: of a text in quotes without them, of a keyword in small letters.
        start: its first character's place.
        end: the place behind it.
    """

    kind: TokenKind
    value: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """The words of a text, and its end as the last of them.

    Raises:
        FilterError: at a character or an operator that means nothing, or a quote that is not closed.
    """
    return [*_tokens(text), Token("end", "", len(text), len(text))]


def _tokens(text: str) -> Iterator[Token]:
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _unreadable(text, place)
        if match.lastgroup != "space":
            yield _token(match)
        place = match.end()


def _token(match: re.Match[str]) -> Token:
    said, start, end = match[0], match.start(), match.end()
    if match["text"]:
        return Token("text", unescaped(said[1:-1]), start, end)
    if match["word"]:
        keyword = said.lower() in KEYWORDS
        return Token("keyword", said.lower(), start, end) if keyword else Token("word", said, start, end)
    if match["mark"]:
        return Token("mark", said, start, end)
    if said not in OPERATORS:
        meant = _MEANT.get(said) or next(iter(get_close_matches(said, OPERATORS, 1, 0.3)), None)
        hint = f"did you mean {meant}?" if meant else f"there are {', '.join(OPERATORS)} and in"
        raise FilterError(f"Unknown operator {said[:20]}: {hint}", start, end)
    return Token("operator", said, start, end)


def _unreadable(text: str, place: int) -> FilterError:
    character = text[place]
    if character in "\"'`":
        return FilterError(f"This {character} is never closed: write a second one behind the text", place, len(text))
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return FilterError(
        f"{shown} cannot stand here: put values with such characters in quotes, fields in backquotes", place, place + 1
    )
