"""What everything that programs tell each other has in common: it does not change, and holds what it says alone."""

from functools import cache
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from contract.former_names import contradictions, deprecated_properties, renamed


class FrozenModel(BaseModel):
    """Frozen; unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RenamedFieldsModel(FrozenModel):
    """Reads fields under the former names that they name (`contract.former_names`)."""

    @model_validator(mode="before")
    @classmethod
    def _former_names_are_read(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        for name, former in contradictions(cls, given):
            raise wrong_field(
                name, f"{former} is the former name of {name}, and says something else: give {name} alone"
            )
        return renamed(cls, given)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        properties.update(deprecated_properties(cls, properties))
        return schema


class PlainNumbersModel(FrozenModel):
    """Takes numbers as a person writes them."""

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_written_as_numbers(cls, given: Any) -> Any:
        """Refuses what Python reads as a number and no person writes as one: `1_0`, and true for 1."""
        for name, value in given.items() if isinstance(given, dict) else ():
            field = cls.model_fields.get(name)
            kind = _number_kind(field.annotation) if field else None  # type: ignore[arg-type]  # types can be hashed
            for each in (value if isinstance(value, list | tuple) else (value,)) if kind else ():
                if isinstance(each, bool):
                    raise wrong_field(name, "Must be a whole number" if kind == "int" else "Must be a number")
                if isinstance(each, str) and "_" in each:
                    raise wrong_field(name, f"Write it without separators: {each.replace('_', '')[:40].strip()}")
        return given


class ConfigModel(RenamedFieldsModel, PlainNumbersModel):  # what comes in is renamed first
    """A piece of a run's description: frozen, and closed to fields that it does not know."""

    model_config = ConfigDict(allow_inf_nan=False)


def wrong_field(field: str, message: str) -> PydanticCustomError:
    """An error of a whole model that belongs to one of its fields.

    Args:
        field: dotted path from the model that raises, such as `neq.probe.samples`; error reports add it to the
            location.
        message: what is wrong and what to do, as a sentence without a full stop.
    """
    return PydanticCustomError("wrong_field", "{message}", {"message": message, "field": field})


@cache
def _number_kind(annotation: Any) -> Literal["int", "float"] | None:
    """The kind of number that a field, or every entry of it, is; None where it is none."""
    if annotation in (int, float):
        return "int" if annotation is int else "float"
    parts = [part for part in get_args(annotation) if isinstance(part, type) or get_args(part)]
    if bool in parts or (isinstance(annotation, type) and not parts):
        return None
    return next((kind for part in parts if (kind := _number_kind(part))), None)
