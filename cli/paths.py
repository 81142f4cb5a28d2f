"""Paths that a person types. A shell replaces `~` only where it begins a word, so `DATA=~/neq` and `--config=~/a.json`
often arrive as typed."""

import os
from pathlib import Path
from typing import Annotated, Any

import click
from pydantic import BeforeValidator


def at_home(typed: str | Path) -> Path:
    """The path, `~` and `~name` at its beginning replaced by that user's home; `./~` is a folder of this name.

    Raises:
        ValueError: there is no such user, or it is an address, or a path of another system.
    """
    text = str(typed)
    if ":" in text:
        from db.address import foreign_path  # SQLAlchemy, which hardly any path needs

        if problem := foreign_path(text):
            raise ValueError(f"{problem}; or ./{text} for a file or folder of this name")
    path = os.path.expanduser(text)  # noqa: PTH111  (a Path would read "./~" as "~")
    if text.startswith("~") and path == text:
        raise ValueError(f"{text}: no such user's home; write the full path, or ./{text} for this name")
    return Path(path)


HomePath = Annotated[Path, BeforeValidator(at_home)]
"""A setting that is a path."""


class TypedPath(click.Path):
    """An argument or option that is a path."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, with `~` replaced, checked as click does."""
        try:
            value = at_home(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx)
