"""Runs' descriptions on their way out: under today's names, and for one release under former ones too."""

from typing import Annotated, Any

from fastapi import Query

from contract.config import RunConfig
from contract.former_names import with_current_names, with_former_names

FormerNames = Annotated[
    bool,
    Query(
        deprecated=True,
        description="Whether renamed fields of a description are answered under their former names too. From the next "
        "release on they are not.",
    ),
]


def current(config: dict[str, Any]) -> dict[str, Any]:
    """A stored description, whichever version wrote it, under today's names."""
    return with_current_names(RunConfig, config)


def answered(config: dict[str, Any], *, former_names: bool = True) -> dict[str, Any]:
    """A stored description as the API answers it."""
    return with_former_names(RunConfig, current(config)) if former_names else current(config)
