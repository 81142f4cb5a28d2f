"""The titles of a configuration's settings, as the form has them."""

from collections.abc import Iterable, Iterator
from typing import Any

from dashboard.form.parts import Choice, Constant, Field, Group, Part

Config = dict[str, Any]


def setting_titles(form: Group, configs: Iterable[Config]) -> dict[str, str]:
    """A title for each setting that the form knows and one of the configurations holds.

    Args:
        form: as `read_schema` made it.
        configs: under today's names; where two kinds call a field of one name differently, the last one's title stands.
    Returns:
        By dotted path: of a group its title (`neq`: "Equilibrium"), of a setting its own, after those of the groups
        within the first that it stands in (`neq.probe.samples`: "Probe set · Probe images").
    """
    found: dict[str, str] = {}
    for config in configs:
        found |= _titled(form, config)
    return found


def _titled(form: Group, config: Config) -> dict[str, str]:
    found = {}
    for part in form.parts:
        value = config.get(part.field)
        if isinstance(part, Group | Choice):
            found[part.field] = part.title
            found |= dict(_within(part, value, ()))
            if isinstance(part, Choice) and isinstance(value, dict) and part.discriminator in value:
                found[part.selector_field] = "Kind"
    return found


def _within(part: Group | Choice, value: Any, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        return
    for each in _parts(part, value):
        name = each.field.rsplit(".", 1)[-1]
        if isinstance(each, Constant) or name not in value:
            continue
        titled = (*above, each.title)
        if isinstance(each, Choice):
            yield each.selector_field, " · ".join(titled)
        if isinstance(each, Field):
            yield each.field, " · ".join(titled)
        else:
            yield from _within(each, value[name], titled)


def _parts(part: Group | Choice, value: Config) -> tuple[Part, ...]:
    if isinstance(part, Group):
        return part.parts
    chosen = value.get(part.discriminator)
    return next((variant.parts for variant in part.variants if variant.key == chosen), ())
