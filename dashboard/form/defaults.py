"""A stored configuration as one of today: what has been added since stands at its default."""

from copy import deepcopy
from typing import Any

from dashboard.form.parts import Choice, Constant, Field, Group, Part
from dashboard.form.renamed import with_current_names

Config = dict[str, Any]


def with_defaults(form: Group, config: Config) -> Config:
    """The configuration with every field that it lacks at its default; what it says stays, under today's names.

    A run stored by an older version lacks what newer ones can choose. Beside a newer run those fields are no
    difference: the older run was trained as their defaults say.

    Args:
        form: as `read_schema` made it.
        config: as it was stored. Names that the form does not know are kept.
    Returns:
        A new configuration. A field that has no default and is lacking stays so.
    """
    return _filled(form.parts, config)


def _filled(parts: tuple[Part, ...], given: Config) -> Config:
    config = with_current_names(parts, given)
    for part in parts:
        name = part.field.rsplit(".", 1)[-1]
        match part:
            case Constant():
                config.setdefault(name, part.value)
            case Field():
                if part.nullable or part.default is not None:
                    config.setdefault(name, deepcopy(part.default))
            case Group():
                config[name] = _filled_object(part.parts, config.get(name, {}))
            case Choice():
                config[name] = _filled_choice(part, config.get(name, part.default))
    return config


def _filled_choice(choice: Choice, chosen: Any) -> Any:
    if not isinstance(chosen, dict):
        return chosen
    key = chosen.get(choice.discriminator, choice.default[choice.discriminator])
    parts = next((variant.parts for variant in choice.variants if variant.key == key), ())
    return _filled(parts, {**chosen, choice.discriminator: key})


def _filled_object(parts: tuple[Part, ...], value: Any) -> Any:
    return _filled(parts, value) if isinstance(value, dict) else value
