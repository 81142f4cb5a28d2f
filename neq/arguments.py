"""Numbers that NEq is given: of the right kind, or refused by name."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any


def check_numbers(**given: Any) -> None:
    """Numbers, whole or not.

    Raises:
        TypeError: one is of another kind, a text of a number for one.
    """
    for name, value in given.items():
        if not isinstance(value, Real) or isinstance(value, bool):
            raise TypeError(f"{name} is {value!r}, a {type(value).__name__}; give a number")


def check_counts(**given: Any) -> None:
    """Whole numbers.

    Raises:
        TypeError: one is of another kind.
    """
    for name, value in given.items():
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise TypeError(f"{name} is {value!r}, a {type(value).__name__}; give a whole number")


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """One of a few words.

    Raises:
        ValueError: it is none of them.
    """
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; choose one of {', '.join(choices)}")
