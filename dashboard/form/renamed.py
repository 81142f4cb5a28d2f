"""Fields that were renamed: configurations with their former names are read."""

from typing import Any

from dashboard.form.parts import Field, Part

Config = dict[str, Any]


class GivenTwice(ValueError):
    """A field is given under its former name and under today's, with different values; the message names both."""


def with_current_names(parts: tuple[Part, ...], config: Config) -> Config:
    """What a configuration says of these parts, under today's names; groups and choices within are left as they are.

    Raises:
        GivenTwice: two names of one field contradict each other.
    """
    former = {part.former_name: part for part in parts if isinstance(part, Field) and part.former_name}
    result: Config = {}
    for name, value in config.items():
        if name not in former:
            result[name] = value
            continue
        field = former[name]
        todays = field.field.rsplit(".", 1)[-1]
        result[todays] = next((new for old, new in field.former_values if old == value), value)
        if config.get(todays, result[todays]) != result[todays]:
            raise GivenTwice(f"{name} is the former name of {field.field}, and says something else: give one of them.")
    return result
