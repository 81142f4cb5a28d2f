"""What runs are and said, on its way out: under today's names, and for one release under former ones too."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, get_args

from fastapi import Query

from contract.config import RunConfig
from contract.events import Event
from contract.former_names import former_names, with_current_names, with_former_names
from db.records import StoredText

FormerNames = Annotated[
    bool,
    Query(
        deprecated=True,
        description="Whether renamed fields are answered under their former names too. From the next release on "
        "they are not.",
    ),
]


def current(config: dict[str, Any]) -> dict[str, Any]:
    """A stored description, whichever version wrote it, under today's names."""
    return with_current_names(RunConfig, config)


def answered(config: dict[str, Any], *, former_names: bool = True) -> dict[str, Any]:
    """A stored description as the API answers it."""
    return with_former_names(RunConfig, current(config)) if former_names else current(config)


def answered_event(event: StoredText, *, former_names: bool = True) -> str:
    """A stored event's JSON as the API answers it.

    Its text is searched, not parsed: an epoch's is long, and a field's name within a text would have escaped quotes.
    """
    names = _RENAMED.get(event.kind)
    if names is None or not former_names:
        return event.text
    return _FIELD.sub(lambda found: _both(found, names), event.text)


def _both(found: re.Match[str], names: Mapping[str, str]) -> str:
    former = names.get(found[1])
    return found[0] if former is None else f'{found[0]},"{former}":{found[2]}'


def _renamed_by_kind() -> dict[str, dict[str, str]]:
    """Today's name and the former one of each renamed field, by the kind of event."""
    events = {each.model_fields["kind"].default: each for each in get_args(get_args(Event)[0])}
    named = {kind: {name: each.name for name, each in former_names(event).items()} for kind, event in events.items()}
    return {kind: names for kind, names in named.items() if names}


_RENAMED = _renamed_by_kind()
_FIELD = re.compile(f'"({"|".join(sorted({name for names in _RENAMED.values() for name in names}))})":([^,}}]*)')
"""A renamed field, whose value is a number or null, with its name and value."""
