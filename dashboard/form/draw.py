"""From the parts of a form to components: labelled inputs with their help, units and bounds."""

from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.form.parts import Choice, Constant, Field, Group, Part, Variant
from dashboard.form.values import Values

MULTIPLE_LINES = ("lines", "json")
LISTS = ("integers", "numbers")
NUMBERS = ("integer", "number")
PICKED = ("options", "switch")
"""What is chosen and not typed."""
MANY = 12
"""Of more options than this, one is found by typing a part of its name."""
ORDER = ["label", "input", "error", "description"]
"""A message stands right below its input, and inputs of a row stand level whatever their help says."""


def control_id(path: str, widget: str = "text") -> dict[str, str]:
    """The component id of the input at this path; switches hold `checked`, all others `value`."""
    return {"form": "checked" if widget == "switch" else "value", "path": path}


def variant_id(path: str) -> dict[str, str]:
    """The component id of the block that holds one variant's fields."""
    return {"form": "variant", "path": path}


def warning_id(path: str) -> dict[str, str]:
    """The component id of the line below an input that says what is doubtful about its value."""
    return {"form": "warning", "path": path}


def several_id(path: str) -> dict[str, str]:
    """The component id of the place below an input where several values may be picked instead of one."""
    return {"form": "several", "path": path}


def draw(form: Group, values: Values) -> list[Any]:
    """The form as cards: first the plain fields of the whole, then one card for each group and choice."""
    plain = tuple(part for part in form.parts if isinstance(part, Field))
    held = [part for part in form.parts if isinstance(part, Choice | Group)]
    first = _card(form.title, "", _parts(plain, values)) if plain else None
    cards = [_card(part.title, part.help, _held(part, values)) for part in held]
    return [card for card in (first, *cards) if card is not None]


def _card(title: str, words: str, content: list[Any]) -> Any:
    head = [html.H2(title)] + ([html.P(words, className="muted")] if words else [])
    return html.Section([html.Div(head, className="form-card-head"), *content], className="card form-card")


def _held(part: Choice | Group, values: Values) -> list[Any]:
    return _choice(part, values) if isinstance(part, Choice) else _parts(part.parts, values)


def _parts(parts: tuple[Part, ...], values: Values) -> list[Any]:
    """Fields in a grid, nested groups and choices below one another, and the advanced ones folded away."""
    shown = [part for part in parts if not isinstance(part, Constant)]
    usual = _run_together([part for part in shown if not part.advanced], values)
    folded = _run_together([part for part in shown if part.advanced], values)
    if not folded:
        return usual
    return [*usual, html.Details([html.Summary("More"), *folded], className="form-more")]


def _run_together(parts: list[Field | Choice | Group], values: Values) -> list[Any]:
    drawn: list[Any] = []
    row: list[Any] = []
    for part in parts:
        if isinstance(part, Field):
            row.append(_field(part, values[part.path]))
            continue
        if row:
            drawn.append(html.Div(row, className="form-grid"))
            row = []
        drawn.append(_nested(part, values))
    return [*drawn, html.Div(row, className="form-grid")] if row else drawn


def _nested(part: Choice | Group, values: Values) -> Any:
    if isinstance(part, Choice):
        return html.Div(_choice(part, values, labelled=True), className="form-nested")
    words = [html.P(part.help, className="muted form-variant-help")] if part.help else []
    return html.Div([html.H3(part.title), *words, *_parts(part.parts, values)], className="form-nested")


def _choice(choice: Choice, values: Values, labelled: bool = False) -> list[Any]:
    """The selector and every variant's own fields; all but the chosen variant's are hidden, and keep their values."""
    chosen = values[choice.selector_path]
    heading = (
        {"label": choice.title, "description": choice.help or None, "inputWrapperOrder": ORDER}
        if labelled
        else {"aria-label": choice.title}
    )
    selector = dmc.Select(
        id=control_id(choice.selector_path),
        value=chosen,
        data=[{"value": variant.key, "label": variant.title} for variant in choice.variants],
        allowDeselect=False,
        className="form-selector",
        **_select_looks(),
        **heading,
    )
    blocks = [_variant(choice, variant, values, chosen) for variant in choice.variants]
    picks = _several(choice.selector_path)
    return [html.Div(selector, className="form-grid"), picks, _warning(choice.selector_path), *blocks]


def _variant(choice: Choice, variant: Variant, values: Values, chosen: str) -> Any:
    words = [html.P(variant.help, className="muted form-variant-help")] if variant.help else []
    return html.Div(
        [html.H4(variant.title, className="form-variant-title"), *words, *_parts(variant.parts, values)],
        id=variant_id(f"{choice.path}.{variant.key}"),
        className="form-variant",
        hidden=variant.key != chosen,
    )


def _field(field: Field, value: Any) -> Any:
    """The input, and below it a line for warnings."""
    wide = " form-wide" if field.widget in MULTIPLE_LINES else ""
    picks = [_several(field.path)] if field.widget in PICKED else []
    return html.Div([_input(field, value), *picks, _warning(field.path)], className=f"form-field{wide}")


def _several(path: str) -> Any:
    """Empty: `scripts/form-page/study.js` fills it."""
    return html.Div(id=several_id(path), className="form-several")


def _warning(path: str) -> Any:
    """Empty and hidden: `scripts/form-page/page.js` fills it."""
    return html.P(id=warning_id(path), className="form-warning", hidden=True)


def _input(field: Field, value: Any) -> Any:
    named: dict[str, Any] = {
        "id": control_id(field.path, field.widget),
        "label": field.title,
        "description": _words(field) or None,
    }
    if field.widget == "switch":
        return html.Div(dmc.Switch(checked=value, **named), className="form-switch")
    named["inputWrapperOrder"] = ORDER
    if field.widget == "options":
        data = [{"value": option.key, "label": option.key} for option in field.options]
        search = {"searchable": True, "nothingFoundMessage": "No match"} if len(data) > MANY else {}
        return dmc.Select(value=value, data=data, allowDeselect=False, **search, **_select_looks(), **named)
    if field.widget == "words":
        return dmc.TagsInput(value=value, comboboxProps={"withinPortal": True}, **named)
    if field.widget in MULTIPLE_LINES:
        return dmc.Textarea(value=value, autosize=True, minRows=2, maxRows=12, **named)
    return dmc.TextInput(value=value, **_typing(field), **named)


def _words(field: Field) -> list[Any]:
    """The help and, below it, the bounds."""
    bounds = [html.Span(field.bounds, className="form-bounds numeric")] if field.bounds else []
    return [*([field.help] if field.help else []), *bounds]


def _typing(field: Field) -> dict[str, Any]:
    """What helps to type this value; nothing here refuses any."""
    looks: dict[str, Any] = {"autoComplete": "off", "spellCheck": False}
    if field.widget in NUMBERS + LISTS:
        looks["className"] = "form-number"
        looks["inputProps"] = {"inputMode": "decimal" if field.widget == "number" else "text"}
    if field.widget in NUMBERS:
        looks["data-step"] = "log" if field.logarithmic else str(field.step or _step(field))
    if field.nullable:
        looks["placeholder"] = field.empty
    if field.unit:
        looks["rightSection"] = html.Span(field.unit, className="form-unit")
        looks["rightSectionWidth"] = 18 + 8 * len(field.unit)
    return looks


def _step(field: Field) -> float:
    return 1 if field.widget == "integer" else 0.1


def _select_looks() -> dict[str, Any]:
    return {"checkIconPosition": "right", "comboboxProps": {"shadow": "md"}, "maxDropdownHeight": 320}
