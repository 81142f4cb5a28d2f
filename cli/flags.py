"""`neq launch`'s flags, drawn from RunConfig's JSON Schema: `--optimizer.learning-rate 0.01`.

A flag for every field of every choice (`--optimizer.kind` picks which choice is meant). What a flag says becomes a
partial description that lies over a file's or the defaults'; whether it fits is for RunConfig to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import click
from pydantic import ValidationError

from cli.printing import say
from contract.checks.words import sentence
from contract.config import RunConfig
from contract.former_names import with_current_names

Json = dict[str, Any]

MANY = 20
"""More values than this are not listed in the help."""


@dataclass(slots=True)
class Flag:
    """One field of the description, over all choices that have it."""

    path: tuple[str, ...]
    help: str
    types: set[str] = field(default_factory=set)
    values: list[Any] = field(default_factory=list)
    only_for: list[str] = field(default_factory=list)
    of_numbers: bool = False
    renamed_to: str = ""
    """Today's name of a field that this is a former name of."""
    renamed_values: Json = field(default_factory=dict)

    @property
    def option(self) -> str:
        """As typed: `--neq.probe.samples`."""
        return _option(self.path)

    @property
    def many(self) -> bool:
        """Several values may be given, comma-separated."""
        return "array" in self.types


def flags() -> list[Flag]:
    """All flags, in the description's order."""
    return [flag for flag in known_flags() if not flag.renamed_to]


def known_flags() -> list[Flag]:
    """All flags, and those of former names beside them."""
    found: dict[tuple[str, ...], Flag] = {}
    schema = RunConfig.model_json_schema()
    for flag in _walk(schema, schema.get("$defs", {}), (), ""):
        known = found.setdefault(flag.path, flag)
        if known.renamed_to and not flag.renamed_to:  # a plug-in's own field is called as another's was
            found[flag.path] = flag
        elif flag.renamed_to and not known.renamed_to:
            continue
        elif known is not flag:
            known.types |= flag.types
            known.values += [value for value in flag.values if value not in known.values]
            known.only_for += flag.only_for
    for path, flag in found.items():
        siblings = found.get((*path[:-1], "kind"))
        if siblings and set(flag.only_for) == set(siblings.values):
            flag.only_for = []
    return list(found.values())


def _walk(node: Json, defs: Json, path: tuple[str, ...], choice: str) -> Iterator[Flag]:
    for name, property_ in node.get("properties", {}).items():
        merged = _resolved(property_, defs)
        variants = [_resolved(variant, defs) for variant in merged.get("oneOf", ())]
        if variants:
            for variant in variants:
                yield from _variant(variant, defs, (*path, name), merged.get("description", ""))
        elif "properties" in merged:
            yield from _walk(merged, defs, (*path, name), choice)
        else:
            yield _flag(merged, (*path, name), choice)


def _variant(variant: Json, defs: Json, path: tuple[str, ...], meaning: str) -> Iterator[Flag]:
    choice = variant["properties"]["kind"]["const"]
    for flag in sorted(_walk(variant, defs, path, choice), key=lambda flag: flag.path != (*path, "kind")):
        yield Flag(flag.path, meaning, flag.types, flag.values) if flag.path == (*path, "kind") else flag


def _resolved(node: Json, defs: Json) -> Json:
    if "$ref" in node:
        target = defs[node["$ref"].rsplit("/", 1)[-1]]
        return {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _flag(node: Json, path: tuple[str, ...], choice: str) -> Flag:
    alternatives = node.get("anyOf", [node])
    values = [
        value for part in alternatives for value in ([part["const"]] if "const" in part else part.get("enum", []))
    ]
    text = node.get("description") or node.get("title", "")
    only_for = [choice] if choice and path[-1] != "kind" else []
    of_numbers = any(part.get("items", {}).get("type") == "integer" for part in alternatives)
    types = {part.get("type", "string") for part in alternatives}
    renamed = (node.get("renamed_to", ""), node.get("renamed_values", {}))
    return Flag(path, text, types, values, only_for, of_numbers, *renamed)


def under_current_names(given: dict[tuple[str, ...], Any]) -> dict[tuple[str, ...], Any]:
    """What flags say, under today's names; of each former name it is said on stderr what to write instead.

    Raises:
        click.UsageError: a field is given under both of its names.
    """
    result = dict(given)
    for flag in known_flags():
        if flag.renamed_to and flag.path in given:
            todays = (*flag.path[:-1], flag.renamed_to)
            if todays in given:
                raise click.UsageError(f"{flag.option} is the former name of {_option(todays)}: give one of the two")
            say(f"warning: {flag.option} is called {_option(todays)} now; the old name works for one release", err=True)
            value = result.pop(flag.path)
            result[todays] = flag.renamed_values.get(value, value) if isinstance(value, str) else value
    return result


def overlay(base: Json, given: dict[tuple[str, ...], Any]) -> Json:
    """The base under today's names with the given fields over it; a new `kind` drops the fields of the old one.

    What the API answers has renamed fields twice: a field that is given goes before both.
    """
    result = _copied(with_current_names(RunConfig, base))
    formers = {(*flag.path[:-1], flag.renamed_to): flag.path[-1] for flag in known_flags() if flag.renamed_to}
    for path, value in sorted(given.items(), key=lambda item: item[0][-1] != "kind"):
        node = result
        for name in path[:-1]:
            node = node.setdefault(name, {})
        if path[-1] == "kind" and node.get("kind") != value:
            node.clear()
        node.pop(formers.get(path, ""), None)
        node[path[-1]] = value
    return with_current_names(RunConfig, _with_kinds(result))


def _copied(node: Json) -> Json:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in node.items()}


def _with_kinds(given: Json) -> Json:
    """A choice that fields were given for, but no kind, is the default one."""
    defaults = RunConfig().model_dump(mode="json")

    def complete(node: Json, default: Json) -> Json:
        filled = {
            key: complete(value, default[key])
            if isinstance(value, dict) and isinstance(default.get(key), dict)
            else value
            for key, value in node.items()
        }
        return {"kind": default["kind"], **filled} if "kind" in default else filled

    return complete(given, defaults)


def check(description: Json) -> RunConfig:
    """The description as a RunConfig.

    Raises:
        click.UsageError: naming each field that is wrong, and why.
    """
    try:
        return RunConfig.model_validate(description)
    except ValidationError as error:
        lines = [f"{_option_of(item)}: {sentence(item)}" for item in error.errors()]
        raise click.UsageError("\n".join(lines)) from None


def _option_of(item: Any) -> str:
    known = {flag.path for flag in flags()}
    path: tuple[str, ...] = ()
    for part in (*item["loc"], *item.get("ctx", {}).get("field", "").split(".")):
        if not isinstance(part, str) or not part:
            continue
        if any(flag[: len(path) + 1] == (*path, part) for flag in known):
            path = (*path, part)
    if item["type"] == "extra_forbidden":  # no flag has its name
        return ".".join(str(part) for part in item["loc"])
    return _option(path) if path else "run"


def _option(path: tuple[str, ...]) -> str:
    return "--" + ".".join(path).replace("_", "-")


def click_options() -> list[click.Option]:
    """The flags as options of a click command; values arrive under their dotted path. Former names are not shown."""
    return [_click_option(flag) for flag in known_flags()]


def value_of(flag: Flag, text: str) -> Any:
    """What was typed for a field, as the description has it; nothing typed: no value.

    Raises:
        click.UsageError: it is none of the field's kind.
    """
    if not text and "null" in flag.types:
        return None
    try:
        return _type_of(flag).convert(text, None, None)
    except click.BadParameter as error:
        raise click.UsageError(f"{'.'.join(flag.path)}: {error.message}") from None


def _type_of(flag: Flag) -> click.ParamType[Any]:
    return _Comma(flag) if flag.many else _scalar(flag)


def _click_option(flag: Flag) -> click.Option:
    kind = _type_of(flag)
    notes = [f"only {', '.join(flag.only_for)}"] if flag.only_for else []
    default = _default(flag)
    notes += [f"default {default}"] if default else []
    notes += [f"one of {len(flag.values)}"] if len(flag.values) > MANY else []
    text = flag.help + (f" ({'; '.join(notes)})" if notes else "")
    names, hidden = [flag.option, "__".join(flag.path)], bool(flag.renamed_to)
    return click.Option(names, type=kind, help=text, metavar=_metavar(flag), hidden=hidden)


def _default(flag: Flag) -> str:
    node: Any = RunConfig().model_dump(mode="json")
    for name in flag.path:
        node = node.get(name) if isinstance(node, dict) else None
    return ",".join(str(value) for value in node) if isinstance(node, list) else "" if node is None else str(node)


def _metavar(flag: Flag) -> str | None:
    if flag.many:
        return "A,B,…"
    if flag.values:
        return "NAME" if len(flag.values) > MANY else None
    return "YES|NO" if "boolean" in flag.types else None


def _scalar(flag: Flag) -> click.ParamType[Any]:
    if flag.values:
        return _Name(flag.values) if len(flag.values) > MANY else click.Choice(flag.values)
    if "boolean" in flag.types:
        return click.BOOL
    if flag.types & {"integer", "number"}:
        return _Number(whole="number" not in flag.types)
    return click.STRING


class _Number(click.ParamType[Any]):
    """A number as a person writes it: neither `1_0`, which Python takes for 10, nor a decimal comma."""

    def __init__(self, *, whole: bool) -> None:
        self.name = "integer" if whole else "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        whole = self.name == "integer"
        try:
            if "_" not in str(value):
                return int(value) if whole else float(value)
        except ValueError:
            pass
        kind = "int_parsing" if whole else "float_parsing"
        return self.fail(f"{value!r}: {sentence({'type': kind, 'input': str(value)})}", param, ctx)


class _Name(click.ParamType[Any]):
    """One of so many names that listing them would help nobody."""

    name = "name"

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value in self._names:
            return value
        near = get_close_matches(str(value), self._names, n=4, cutoff=0.4)
        meant = f"did you mean {', '.join(near)}?" if near else f"such as {', '.join(self._names[:4])}"
        return self.fail(f"{value!r} is none of the {len(self._names)} names; {meant}", param, ctx)


class _Comma(click.ParamType[Any]):
    """Comma-separated values; numbers where the field holds numbers."""

    name = "list"

    def __init__(self, flag: Flag) -> None:
        self.numbers = flag.of_numbers

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = [part.strip() for part in str(value).split(",") if part.strip()]
        if not self.numbers:
            return parts
        try:
            return [_Number(whole=True).convert(part, None, None) for part in parts]
        except click.BadParameter:
            return self.fail(f"{value!r} is not a list of whole numbers such as 16,16,32", param, ctx)
