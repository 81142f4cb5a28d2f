"""A stored configuration as one of today: what has been added since stands at its default."""

from copy import deepcopy
from typing import Any

from dashboard.form.parts import Choice, Constant, Field, Group, Part

Config = dict[str, Any]


def with_defaults(form: Group, config: Config) -> Config:
    """The configuration with every field that it lacks at its default; what it says stays as it is.

    A run stored by an older version lacks what newer ones can choose. Beside a newer run those fields are no
    difference: the older run was trained as their defaults say.

    Args:
        form: as `read_schema` made it.
        config: as it was stored. Names that the form does not know are kept.
    Returns:
        A new configuration. A field that has no default and is lacking stays so.
    """
    filled = deepcopy(config)
    _fill(form.parts, filled)
    return filled


def _fill(parts: tuple[Part, ...], config: Config) -> None:
    for part in parts:
        name = part.field.rsplit(".", 1)[-1]
        match part:
            case Constant():
                config.setdefault(name, part.value)
            case Field():
                if part.nullable or part.default is not None:
                    config.setdefault(name, deepcopy(part.default))
            case Group():
                _fill_object(part.parts, config.setdefault(name, {}))
            case Choice():
                _fill_choice(part, config.setdefault(name, deepcopy(part.default)))


def _fill_choice(choice: Choice, chosen: Any) -> None:
    if isinstance(chosen, dict):
        key = chosen.setdefault(choice.discriminator, choice.default[choice.discriminator])
        for variant in choice.variants:
            if variant.key == key:
                _fill(variant.parts, chosen)


def _fill_object(parts: tuple[Part, ...], value: Any) -> None:
    if isinstance(value, dict):
        _fill(parts, value)
