"""Texts without case, alike on SQLite and PostgreSQL, whose own functions for it differ by version and by locale.

Folded is what has one capital and one small form of one character each; other characters, such as ß, stay.
"""

from collections.abc import Mapping

from sqlalchemy import ColumnElement, collate, func, literal

from db.columns import Text, storable


def fold(text: str) -> str:
    """The text with capitals made small."""
    return "".join(map(_small, text))


def contains(column: ColumnElement[str], text: str, dialect: str) -> ColumnElement[bool]:
    """Whether a column's folded text holds a text, folded."""
    needle = fold(storable(text))
    return contains_exactly(folded(column, needle, dialect), needle, dialect)


def contains_exactly(column: ColumnElement[str], text: str, dialect: str) -> ColumnElement[bool]:
    """Whether a column's text holds a text, case and all."""
    position = func.instr if dialect == "sqlite" else func.strpos
    return position(column, literal(text, Text())) > 0


def folded(column: ColumnElement[str], wanted: str, dialect: str) -> ColumnElement[str]:
    """A column's text with the capitals made small that have a say where `wanted`, folded, is looked for in it.

    ASCII is folded by the database; of the others only those of `wanted`, since both have to be named one by one.
    """
    # In PostgreSQL's "C", lower() folds ASCII alone on every system, as SQLite's does.
    ascii_small = func.lower(column if dialect == "sqlite" else collate(column, "C"))
    capitals = {_capital(letter): letter for letter in wanted if not letter.isascii()}
    pairs = {capital: small for capital, small in capitals.items() if capital != small}
    return _translated(ascii_small, pairs) if pairs else ascii_small


def translate(text: str | None, characters: str, others: str) -> str | None:
    """PostgreSQL's function of this name, for SQLite; both texts have the same length."""
    return None if text is None else text.translate(str.maketrans(characters, others))


def _translated(column: ColumnElement[str], pairs: Mapping[str, str]) -> ColumnElement[str]:
    characters, others = "".join(pairs), "".join(pairs.values())
    return func.translate(column, literal(characters, Text()), literal(others, Text()))


def _small(letter: str) -> str:
    small = letter.lower()
    is_pair = len(small) == 1 and small.isascii() == letter.isascii() and small.upper() == letter
    return small if is_pair else letter


def _capital(small: str) -> str:
    capital = small.upper()
    return capital if len(capital) == 1 and _small(capital) == small else small
