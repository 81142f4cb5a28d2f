"""From a configuration to what the form's inputs hold."""

import json
from typing import Any

from dashboard.form.parts import Choice, Constant, Field, Group, Part
from dashboard.form.renamed import with_current_names
from dashboard.form.schema import plain_number

Config = dict[str, Any]
Values = dict[str, Any]
"""By path in the form: text for most inputs, a truth value for a switch, a list of strings for words."""

MISSING: Any = object()


def values_of(form: Group, config: Config | None = None) -> Values:
    """What every input holds when the form shows this configuration.

    Args:
        form: as `read_schema` made it.
        config: may be partial: what it leaves out has its default. A choice that it makes without the variant's own
            fields has that variant's defaults. Names that the form does not know are overlooked.
    Returns:
        A value for every field and choice, those of variants that are not chosen included (their defaults).
    """
    values: Values = {}
    _fill(form.parts, config or {}, {}, values)
    return values


def _fill(parts: tuple[Part, ...], config: Config, defaults: Config, values: Values) -> None:
    config = with_current_names(parts, config)
    for part in parts:
        name = part.field.rsplit(".", 1)[-1]
        given, default = config.get(name, MISSING), defaults.get(name, MISSING)
        match part:
            case Constant():
                continue
            case Group():
                _fill(part.parts, _object(given), _object(default), values)
            case Choice():
                _fill_choice(part, _object(given), default, values)
            case Field():
                chosen = next((value for value in (given, default) if value is not MISSING), part.default)
                values[part.path] = typed(part, chosen)


def _fill_choice(choice: Choice, given: Config, default: Any, values: Values) -> None:
    default = choice.default if default is MISSING else _object(default)
    usual = default.get(choice.discriminator)
    chosen = given.get(choice.discriminator, usual)
    if chosen not in {variant.key for variant in choice.variants}:
        chosen, given = usual, {}
    values[choice.selector_path] = chosen
    for variant in choice.variants:
        _fill(
            variant.parts,
            given if variant.key == chosen else {},
            default if variant.key == usual else {},
            values,
        )


def typed(field: Field, value: Any) -> Any:
    """This value as the field's input holds it."""
    match field.widget:
        case "switch":
            return bool(value)
        case "words":
            return [str(word) for word in value or ()]
        case "json":
            return "" if value is None else json.dumps(value, ensure_ascii=False)
        case "integers" | "numbers":
            return ", ".join(plain_number(number) for number in value or ())
        case "options":
            return next((option.key for option in field.options if option.value == value), None)
        case _ if value is None:
            return ""
        case "integer" | "number":
            return plain_number(value)
        case _:
            return str(value)


def _object(value: Any) -> Config:
    return value if isinstance(value, dict) else {}
