"""What commands print reaches every terminal: what its encoding lacks is replaced, and JSON is escaped instead."""

import io
import json
import sys
from typing import Any

import click


def print_whatever_it_holds() -> None:
    """Replace what standard output cannot encode, instead of ending in the middle of a table."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def echo_json(value: Any, *, indent: int | None = None) -> None:
    """One JSON value, exact whatever the terminal: escaped where it could not show every character."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    click.echo(json.dumps(value, ensure_ascii=not encoding.startswith("utf"), indent=indent))
