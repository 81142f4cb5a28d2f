"""The form as the browser's script reads it: how values become a configuration, and where messages go."""

from typing import Any

from dashboard.form.parts import Choice, Constant, Field, Group, Part
from dashboard.form.values import Values, values_of

Plan = list[dict[str, Any]]


def plan_of(form: Group) -> Plan:
    """The tree as plain JSON, in the order in which it is drawn; read by the scripts of `form-page`."""
    return [_entry(part) for part in form.parts]


def _entry(part: Part) -> dict[str, Any]:
    name = part.field.rsplit(".", 1)[-1]
    match part:
        case Constant():
            return {"is": "constant", "name": name, "field": part.field, "value": part.value}
        case Group():
            return {"is": "group", "name": name, "field": part.field, "title": part.title, "parts": plan_of(part)}
        case Choice():
            return {
                "is": "choice",
                "name": name,
                "field": part.field,
                "title": part.title,
                "path": part.selector_path,
                "discriminator": part.discriminator,
                "variants": [_variant(part, index) for index in range(len(part.variants))],
            }
        case Field():
            return {
                "is": "field",
                "name": name,
                "field": part.field,
                "title": part.title,
                "path": part.path,
                "widget": part.widget,
                "nullable": part.nullable,
                "unit": part.unit,
                "options": {option.key: option.value for option in part.options},
            }


def _variant(choice: Choice, index: int) -> dict[str, Any]:
    variant = choice.variants[index]
    return {
        "key": variant.key,
        "title": variant.title,
        "path": f"{choice.path}.{variant.key}",
        "parts": [_entry(part) for part in variant.parts],
    }


def preset_values(form: Group, presets: list[dict[str, Any]]) -> dict[str, Values]:
    """What the inputs hold under each preset, by its name."""
    return {preset["name"]: values_of(form, preset["config"]) for preset in presets}
