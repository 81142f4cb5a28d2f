"""What commands that work on the store themselves begin with: settings, the store, and one line where that fails."""

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, NoReturn, TypeVar

import click
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from cli.exits import REFUSED
from cli.printing import say
from db import Store, StoreUnreachable

Settings = TypeVar("Settings", bound=BaseSettings)


def need_torch() -> None:
    """The application installs without torch, for machines that only serve."""
    missing = [name for name in ("torch", "neq") if find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"Training needs {' and '.join(missing)}, not installed here: pip install 'neq-dashboard[trainer]', or "
            "start only the web process with `neq serve`."
        )


def read_settings(kind: type[Settings], **given: Any) -> Settings:
    """The settings of a process: what was given wins over the environment."""
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        end_with("; ".join(_wrong_setting(item) for item in error.errors(include_url=False)))


def _wrong_setting(item: Mapping[str, Any]) -> str:
    """The variable that is wrong, and why; the parts of a list are not variables."""
    name = "_".join(part for part in item["loc"] if isinstance(part, str)).upper()
    reason = str(item.get("ctx", {}).get("error") or item["msg"])
    return f"NEQ_{name}: {reason}" if name else reason


def open_store(url: str) -> Store:
    """The store at an address; where it cannot be opened the process ends and says why."""
    try:
        return Store.open(url)
    except StoreUnreachable as error:
        end_with(str(error))


def end_with(message: str) -> NoReturn:
    """Ends the process: it cannot do what it was asked for."""
    say(f"neq: {message}", err=True)
    sys.exit(REFUSED)
