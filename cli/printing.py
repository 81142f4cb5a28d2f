"""What commands print reaches every terminal and does nothing but be read there.

What a terminal's encoding lacks is replaced, and JSON is escaped instead. Names and reasons come from other people:
what would move the cursor, colour or reorder text in them is replaced, and rich's markup is shown as it was written.
"""

import io
import json
import re
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.text import Text

_ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but the end of a line, and what turns the direction of text about."""
_AROUND = 50
"""Characters in front of a place that is shown, and so many behind."""


def printable(text: object) -> str:
    """Somebody else's text without what acts on a terminal."""
    return _ACTS.sub("�", str(text))


def one_line(text: object) -> "Text":
    """Somebody else's text for rich: on one line, and without markup."""
    from rich.text import Text  # which most commands do without

    return Text(printable(text).replace("\n", " "))


def say(text: object, *, err: bool = False) -> None:
    """Print somebody else's text."""
    click.echo(printable(text), err=err)


def underlined(text: str, start: int, end: int) -> str:
    """A line of a text, and below it carets under what lies between two places; of a long one what is around them."""
    start = min(start, len(text))
    first = max(0, start - _AROUND)
    shown = "".join(each if each.isprintable() else " " for each in text[first : first + 2 * _AROUND])
    width = max(1, min(end - first, len(shown)) - (start - first))
    return f"  {shown}\n  {' ' * (start - first)}{'^' * width}"


def print_whatever_it_holds() -> None:
    """Replace what standard output cannot encode, instead of ending in the middle of a table."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def echo_json(value: Any, *, indent: int | None = None) -> None:
    """One JSON value, exact whatever the terminal: escaped where it could not show every character."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    click.echo(json.dumps(value, ensure_ascii=not encoding.startswith("utf"), indent=indent))
