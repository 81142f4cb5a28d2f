"""Ranges as they are typed for a number: `0..4` stands for 0, 1, 2, 3, 4."""

import re

LONGEST_RANGE = 1_000
"""Values: as many as a sweep may have runs."""
RANGE_WORDS = f"A range such as 0..4 has the smaller number first, and stands for {LONGEST_RANGE:,} at most"
_MOST_DIGITS = 20
_RANGE = re.compile(r"\s*(\d+)\s*\.\.\s*(\d+)\s*", re.ASCII)


class RangeWrong(ValueError):
    """It stands for no values, or for too many."""

    def __init__(self) -> None:
        super().__init__(RANGE_WORDS)


def in_range(text: str) -> range | None:
    """What a range stands for; None: the text is not a range.

    Raises:
        RangeWrong: it begins with the greater number, or is too long.
    """
    match = _RANGE.fullmatch(text)
    if not match:
        return None
    if max(map(len, match.groups())) > _MOST_DIGITS:
        raise RangeWrong
    low, high = map(int, match.groups())
    if not low <= high < low + LONGEST_RANGE:
        raise RangeWrong
    return range(low, high + 1)
