"""From a JSON Schema to the parts of a form."""

from dataclasses import dataclass, replace
from typing import Any

from dashboard.form.parts import Choice, Constant, Field, Group, Option, Part, Variant, Widget

Schema = dict[str, Any]

PLAIN: dict[str, Widget] = {"string": "text", "integer": "integer", "number": "number", "boolean": "switch"}
LISTS: dict[str, Widget] = {"string": "words", "integer": "integers", "number": "numbers"}


def read_schema(schema: Schema) -> Group:
    """The form of an object's JSON Schema, as pydantic writes it.

    Nothing is known here about any field by name. What has no input of its own (a list of objects, a union without a
    discriminator) is typed as JSON.
    """
    reader = _Reader(schema.get("$defs", {}))
    return reader.group(schema, "", "", "Form")


def plain_number(value: float) -> str:
    """A number as a person types it, and exactly this number: 0.001, 1e-5, 100000."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e16):
        return str(int(value))
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


@dataclass(frozen=True)
class _Reader:
    definitions: dict[str, Schema]

    def group(self, schema: Schema, path: str, field: str, name: str) -> Group:
        return Group(
            path,
            field,
            title=schema.get("title", name),
            help=schema.get("description", ""),
            parts=self._parts(schema, path, field),
            advanced=bool(schema.get("advanced")),
        )

    def _parts(self, schema: Schema, path: str, field: str, skip: str = "") -> tuple[Part, ...]:
        properties: dict[str, Schema] = schema.get("properties", {})
        former = {each["renamed_to"]: (name, each) for name, each in properties.items() if "renamed_to" in each}
        parts = (
            self._part(property_, _join(path, name), _join(field, name), name)
            for name, property_ in properties.items()
            if name != skip and "renamed_to" not in property_
        )
        return tuple(_with_former(part, former) for part in parts)

    def _part(self, schema: Schema, path: str, field: str, name: str) -> Part:
        schema, nullable = self._resolve(schema)
        if "const" in schema and not nullable:
            return Constant(path, field, schema["const"])
        if "discriminator" in schema and not nullable:
            return self._choice(schema, path, field, name)
        if schema.get("type") == "object" and "properties" in schema and not nullable:
            return self.group(schema, path, field, _titled(name))
        return self._field(schema, path, field, name, nullable)

    def _resolve(self, schema: Schema) -> tuple[Schema, bool]:
        """The schema with its reference followed and its null taken out; what stands beside a reference wins."""
        nullable = False
        if "anyOf" in schema:
            members = [member for member in schema["anyOf"] if member.get("type") != "null"]
            nullable = len(members) < len(schema["anyOf"])
            rest = {key: value for key, value in schema.items() if key != "anyOf" or len(members) > 1}
            schema = {**members[0], **rest} if len(members) == 1 else rest
        if "$ref" in schema:
            target = self.definitions[schema["$ref"].rsplit("/", 1)[-1]]
            schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        return schema, nullable

    def _choice(self, schema: Schema, path: str, field: str, name: str) -> Choice:
        discriminator = schema["discriminator"]["propertyName"]
        variants = []
        members: list[Schema] = schema["oneOf"] if "oneOf" in schema else schema["anyOf"]
        for member in members:
            member, _ = self._resolve(member)
            key = member["properties"][discriminator]["const"]
            variants.append(
                Variant(
                    key,
                    title=member.get("title", key),
                    help=member.get("description", ""),
                    parts=self._parts(member, _join(path, key), field, skip=discriminator),
                )
            )
        return Choice(
            path,
            field,
            title=schema.get("title", _titled(name)),
            discriminator=discriminator,
            default=schema.get("default") or {discriminator: variants[0].key},
            variants=tuple(variants),
            help=schema.get("description", ""),
            advanced=bool(schema.get("advanced")),
        )

    def _field(self, schema: Schema, path: str, field: str, name: str, nullable: bool) -> Field:
        return Field(
            path,
            field,
            title=schema.get("title", _titled(name)),
            widget=self._widget(schema, nullable),
            default=schema.get("default"),
            help=schema.get("description", ""),
            unit=schema.get("unit", ""),
            bounds=_bounds(schema),
            nullable=nullable,
            empty=schema.get("empty", "none"),
            advanced=bool(schema.get("advanced")),
            step=schema.get("step"),
            logarithmic=schema.get("scale") == "log",
            options=tuple(Option(str(value), value) for value in schema.get("enum") or ()),
        )

    def _widget(self, schema: Schema, nullable: bool) -> Widget:
        kind = schema.get("type", "")
        if "enum" in schema and not nullable:
            return "options"
        if kind == "array":
            items, holes = self._resolve(schema.get("items", {}))
            return "json" if nullable or holes else LISTS.get(items.get("type", ""), "json")
        if kind == "string" and schema.get("multiline"):
            return "lines"
        if kind == "boolean" and nullable:
            return "json"
        return PLAIN.get(kind, "json")


def _with_former(part: Part, former: dict[str, tuple[str, Schema]]) -> Part:
    name = part.field.rsplit(".", 1)[-1]
    if not isinstance(part, Field) or name not in former:
        return part
    former_name, schema = former[name]
    values = tuple(schema.get("renamed_values", {}).items())
    return replace(part, former_name=former_name, former_values=values)


def _bounds(schema: Schema) -> str:
    """A number's limits in words; empty where there are none."""
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{_grouped(low)} to {_grouped(high)}"
    words = (("at least", low), ("above", above), ("at most", high), ("below", below))
    return ", ".join(f"{word} {_grouped(limit)}" for word, limit in words if limit is not None)


def _grouped(limit: float) -> str:
    return f"{limit:,}" if isinstance(limit, int) or float(limit).is_integer() else plain_number(limit)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _titled(name: str) -> str:
    return name.replace("_", " ").capitalize()
