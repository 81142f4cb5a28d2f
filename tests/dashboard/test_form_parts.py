"""From a schema to a form: nothing about any field is known but what the schema says."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from dash.development.base_component import Component
from pydantic import BaseModel, Field

from contract.config import RunConfig
from dashboard.form.draw import draw
from dashboard.form.parts import Choice, Group, walk
from dashboard.form.parts import Field as FormField
from dashboard.form.plan import plan_of
from dashboard.form.schema import plain_number, read_schema
from dashboard.form.values import values_of


class Red(BaseModel):
    """The colour of alarm."""

    kind: Literal["red"] = "red"
    heat: float = Field(default=1e-5, gt=0, lt=1, title="Heat", json_schema_extra={"scale": "log", "unit": "K"})


class Blue(BaseModel):
    kind: Literal["blue"] = "blue"
    waves: tuple[int, ...] = (3, 4)


class Inner(BaseModel):
    """Inside."""

    level: Literal[1, 2, 3] = Field(default=2, title="Level")


class Whole(BaseModel):
    title: str = Field(default="", title="Title", description="What it is called.")
    story: str = Field(default="", json_schema_extra={"multiline": True, "advanced": True})
    count: int | None = Field(default=None, ge=5, le=9000, json_schema_extra={"empty": "auto"})
    colour: Annotated[Red | Blue, Field(discriminator="kind", title="Colour")] = Blue()
    inner: Inner = Inner()
    pairs: list[tuple[int, int]] = [(1, 2)]


FORM = read_schema(Whole.model_json_schema())
BY_PATH = {part.path: part for part in walk(FORM.parts)}


def field(path: str) -> FormField:
    found = BY_PATH[path]
    assert isinstance(found, FormField)
    return found


def texts(component: Any) -> Iterator[str]:
    """Every word that a component shows."""
    if isinstance(component, str):
        yield component
    elif isinstance(component, list | tuple):
        for child in component:
            yield from texts(child)
    elif isinstance(component, Component):
        for name in ("label", "description", "children", "rightSection"):
            yield from texts(getattr(component, name, None))


def ids(component: Any) -> Iterator[Any]:
    if isinstance(component, list | tuple):
        for child in component:
            yield from ids(child)
    elif isinstance(component, Component):
        yield getattr(component, "id", None)
        yield from ids(getattr(component, "children", None))


def test_each_kind_of_value_gets_its_own_input() -> None:
    widgets = {path: part.widget for path, part in BY_PATH.items() if isinstance(part, FormField)}
    assert widgets == {
        "title": "text",
        "story": "lines",
        "count": "integer",
        "colour.red.heat": "number",
        "colour.blue.waves": "integers",
        "inner.level": "options",
        "pairs": "json",
    }


def test_a_field_of_a_variant_has_two_addresses() -> None:
    assert field("colour.red.heat").field == "colour.heat"
    assert field("inner.level").field == "inner.level"


def test_titles_units_bounds_and_help_are_the_schemas_own() -> None:
    heat = field("colour.red.heat")
    assert (heat.title, heat.unit, heat.bounds, heat.logarithmic) == ("Heat", "K", "above 0, below 1", True)
    assert field("count").bounds == "5 to 9,000"
    assert (field("count").nullable, field("count").empty) == (True, "auto")
    assert field("story").advanced
    assert field("colour.blue.waves").title == "Waves"


def test_a_choice_holds_its_variants_with_title_and_help() -> None:
    colour = BY_PATH["colour"]
    assert isinstance(colour, Choice)
    assert [(variant.key, variant.title) for variant in colour.variants] == [("red", "Red"), ("blue", "Blue")]
    assert colour.variants[0].help == "The colour of alarm."
    assert colour.selector_path == "colour.kind"


def test_values_are_shown_as_a_person_types_them() -> None:
    assert values_of(FORM) == {
        "title": "",
        "story": "",
        "count": "",
        "colour.kind": "blue",
        "colour.red.heat": "1e-5",
        "colour.blue.waves": "3, 4",
        "inner.level": "2",
        "pairs": "[[1, 2]]",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001, "0.001"), (1e-05, "1e-5"), (100000.0, "100000"), (0.0, "0"), (7, "7"), (2.5e-300, "2.5e-300")],
)
def test_numbers_are_written_short_and_exact(value: float, text: str) -> None:
    assert plain_number(value) == text
    assert float(text) == value


def test_a_partial_configuration_keeps_the_defaults_of_the_variant_it_names() -> None:
    values = values_of(FORM, {"colour": {"kind": "red"}, "unknown": 1})
    assert values["colour.kind"] == "red"
    assert values["colour.red.heat"] == "1e-5"
    assert values["title"] == ""


def test_a_variant_that_is_no_longer_known_gives_the_default_one() -> None:
    values = values_of(FORM, {"colour": {"kind": "green", "heat": 3}})
    assert (values["colour.kind"], values["colour.red.heat"]) == ("blue", "1e-5")


def test_the_drawn_form_shows_titles_help_units_and_bounds() -> None:
    shown = set(texts(draw(FORM, values_of(FORM))))
    assert {
        "Title",
        "What it is called.",
        "Heat",
        "K",
        "above 0, below 1",
        "The colour of alarm.",
        "5 to 9,000",
    } <= shown


def test_a_field_and_a_variant_added_to_the_schema_appear_by_themselves() -> None:
    schema = RunConfig.model_json_schema()
    schema["$defs"]["Lion"] = {
        "title": "Lion",
        "type": "object",
        "properties": {
            "kind": {"const": "lion", "default": "lion"},
            "roar": {"type": "number", "default": 0.25, "title": "Roar", "unit": "dB"},
        },
    }
    schema["properties"]["optimizer"]["oneOf"].append({"$ref": "#/$defs/Lion"})
    schema["$defs"]["Training"]["properties"]["patience"] = {"type": "integer", "default": 3, "title": "Patience"}
    form = read_schema(schema)
    values = values_of(form, {"optimizer": {"kind": "lion"}})
    cards = draw(form, values)
    assert (values["optimizer.lion.roar"], values["training.patience"]) == ("0.25", "3")
    assert {"Roar", "dB", "Patience"} <= set(texts(cards))
    assert {"form": "value", "path": "optimizer.lion.roar"} in list(ids(cards))


INPUTS = ("value", "checked")
"""Components that hold a value, as opposed to blocks of a variant and lines for warnings."""


def test_every_field_of_the_run_config_is_drawn_once_and_planned() -> None:
    form = read_schema(RunConfig.model_json_schema())
    drawn = [each["path"] for each in ids(draw(form, values_of(form))) if each and each["form"] in INPUTS]
    assert sorted(drawn) == sorted(values_of(form))
    assert len(set(drawn)) == len(drawn)
    assert str(plan_of(form)).count("'widget'") == sum(isinstance(part, FormField) for part in walk(form.parts))


def test_no_field_of_the_run_config_needs_json() -> None:
    form = read_schema(RunConfig.model_json_schema())
    assert [part.path for part in walk(form.parts) if isinstance(part, FormField) and part.widget == "json"] == []
    assert all(part.title for part in walk(form.parts) if isinstance(part, Group))
