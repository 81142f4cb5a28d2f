"""Fields that were renamed: their former names are read wherever a description comes in, and answered for one release.

A field says what it was called beside its type: `gamma: Annotated[float, FormerName("factor")]`. Everything else
follows from that: validation (`ConfigModel`), the JSON Schema, and with it the form and the flags of the command line.
What is written has today's names alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

Json = dict[str, Any]
Model = type[BaseModel]
_Rewrite = Callable[[Model, Json], Json]


@dataclass(frozen=True, slots=True)
class FormerName:
    """Metadata of a field: what it was called before.

    Attributes:
        name: the former name; the field's own, where only values of it were renamed: these are read, not answered.
        values: pairs (former value, today's) of the values that were renamed with it.
    """

    name: str
    values: tuple[tuple[str, str], ...] = ()

    def todays(self, value: Any) -> Any:
        """The value that a former one is today."""
        return next((new for old, new in self.values if old == value), value)

    def formers(self, value: Any) -> Any:
        """The value that one of today was."""
        return next((old for old, new in self.values if new == value), value)


@cache
def former_names(model: Model) -> Mapping[str, FormerName]:
    """The renamed fields of a model, by today's name."""
    return {
        name: each
        for name, field in model.model_fields.items()
        for each in field.metadata
        if isinstance(each, FormerName)
    }


def renamed(model: Model, given: Json) -> Json:
    """One model's fields under today's names; a former name stays where today's says something else beside it."""
    names = {
        former.name: (name, former)
        for name, former in former_names(model).items()
        if not _contradicts(name, former, given)
    }
    result = {}
    for key, value in given.items():
        name, former = names.get(key, (key, None))
        result[name] = value if former is None else former.todays(value)
    return result


def contradictions(model: Model, given: Json) -> Iterator[tuple[str, str]]:
    """The fields, as (today's name, former name), that are given under both names with different values."""
    for name, former in former_names(model).items():
        if _contradicts(name, former, given):
            yield name, former.name


def with_current_names(model: Model, description: Json, beside: Json | None = None) -> Json:
    """A description, or a part of one, with today's names throughout.

    Args:
        model: what it describes; groups and choices within it are followed.
        description: as it came in. Whatever the model does not know stays as it is.
        beside: a whole description that the part is to be laid over: of its kind is a choice that names none.
    """
    return _walked(model, description, beside or {}, renamed)


def with_former_names(model: Model, description: Json) -> Json:
    """A description of today's names with every renamed field under its former name as well."""
    return _walked(model, description, {}, _both)


def deprecated_properties(model: Model, properties: Json) -> Json:
    """The JSON Schemas of former names, each marked as deprecated and with today's name.

    Args:
        model: whose former names they are.
        properties: the model's JSON Schemas of today's names.
    """
    return {
        former.name: _deprecated(name, former, properties[name])
        for name, former in former_names(model).items()
        if name in properties and name != former.name
    }


def _contradicts(name: str, former: FormerName, given: Json) -> bool:
    return (
        name != former.name
        and name in given
        and former.name in given
        and given[name] != former.todays(given[former.name])
    )


def _deprecated(name: str, former: FormerName, schema: Json) -> Json:
    said = {key: value for key, value in schema.items() if key != "default"}
    if former.values:
        said["enum"] = [former.formers(value) for value in schema["enum"]]
        said["renamed_values"] = dict(former.values)
    return said | {"deprecated": True, "renamed_to": name, "description": f"The former name of `{name}`."}


def _both(model: Model, given: Json) -> Json:
    pairs = former_names(model).items()
    names = {former.name: (name, former) for name, former in pairs if name in given and name != former.name}
    return given | {old: former.formers(given[name]) for old, (name, former) in names.items()}


def _walked(model: Model, given: Json, beside: Json, rewrite: _Rewrite) -> Json:
    result = rewrite(model, given)
    for name, members in _parts(model).items():
        value = result.get(name)
        if isinstance(value, dict):
            other = beside[name] if isinstance(beside.get(name), dict) else {}
            default = getattr(model.model_fields[name].default, "kind", None)
            member = _member(members, value.get("kind", other.get("kind", default)))
            if member is not None:
                result[name] = _walked(member, value, other, rewrite)
    return result


@cache
def _parts(model: Model) -> Mapping[str, Sequence[Model]]:
    """The fields that are groups or choices with renamed fields somewhere within, and their models."""
    found = {name: _models(field.annotation) for name, field in model.model_fields.items()}
    return {name: members for name, members in found.items() if any(map(_has_former_names, members))}


@cache
def _has_former_names(model: Model) -> bool:
    """Whether a field of it, or of anything within, was renamed; a plug-in's model may hold itself."""
    seen: set[Model] = set()
    waiting = [model]
    while waiting:
        one = waiting.pop()
        if former_names(one):
            return True
        if one not in seen:
            seen.add(one)
            waiting += [part for field in one.model_fields.values() for part in _models(field.annotation)]
    return False


def _models(annotation: Any) -> Sequence[Model]:
    """A group's model, or those of a choice's members."""
    return [
        each for each in (annotation, *get_args(annotation)) if isinstance(each, type) and issubclass(each, BaseModel)
    ]


def _member(members: Sequence[Model], kind: Any) -> Model | None:
    """The model of a group, or of the choice's member of this kind; a plug-in's choice may be told apart otherwise."""
    if len(members) == 1:
        return members[0]
    for each in members:
        field, former = each.model_fields.get("kind"), former_names(each).get("kind")
        if field is not None and (kind if former is None else former.todays(kind)) in get_args(field.annotation):
            return each
    return None
