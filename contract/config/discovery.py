"""Other people's models and data: installed packages' entry points, and the modules that the operator names.

What is found becomes part of RunConfig while `contract.config` is imported, so every process has to be given the same.
Nothing that a browser sends is looked up here: it can only choose among the kinds that were found.
"""

import importlib
import os
import re
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TypeVar, get_args

from contract.base import ConfigModel
from contract.plugins import DatasetPlugin, ModelPlugin, PluginBroken

VARIABLE = "NEQ_PLUGINS"
"""Modules, or paths of Python files, comma-separated."""
_GROUPS = {ModelPlugin: "neq.models", DatasetPlugin: "neq.datasets"}
_KIND = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_BUILDER = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
Own = TypeVar("Own", ModelPlugin, DatasetPlugin)


def discovered(base: type[Own], known: tuple[type[ConfigModel], ...]) -> tuple[type[Own], ...]:
    """Every model (or data set) that is offered besides the known ones, in the order of their kinds.

    Raises:
        PluginBroken: one cannot be imported, says too little of itself, or takes a kind that is taken.
    """
    taken = {kind_of(part): f"{part.__module__}.{part.__qualname__}" for part in known}
    found: dict[str, type[Own]] = {}
    for part in dict.fromkeys(chain(_installed(base), _named(base))):
        kind = _checked(part)
        if kind in taken:
            raise PluginBroken(f"{_name(part)}: the kind {kind!r} is {taken[kind]}'s; choose another")
        taken[kind] = _name(part)
        found[kind] = part
    return tuple(found[kind] for kind in sorted(found))


def kind_of(part: type[ConfigModel]) -> str:
    """What tells this part from others of its choice."""
    (kind,) = get_args(part.model_fields["kind"].annotation) or (None,)
    if not isinstance(kind, str):
        raise TypeError(f"{_name(part)} has no kind of its own")
    return kind


def _checked(part: type[Own]) -> str:
    try:
        kind = kind_of(part)
    except (TypeError, ValueError):
        raise PluginBroken(f'{_name(part)}: give it a kind, as in: kind: Literal["my-net"] = "my-net"') from None
    if not _KIND.fullmatch(kind) or part.model_fields["kind"].default != kind:
        raise PluginBroken(f"{_name(part)}: its kind must be small letters, digits and hyphens, and its own default")
    if not _BUILDER.fullmatch(getattr(part, "builder", "")):
        raise PluginBroken(f'{_name(part)}: name its builder, as in: builder: ClassVar[str] = "my_package.net:build"')
    return kind


def _installed(base: type[Own]) -> Iterator[type[Own]]:
    for point in entry_points(group=_GROUPS[base]):
        origin = f"entry point {point.name} = {point.value} ({point.dist.name if point.dist else 'unknown package'})"
        try:
            part = point.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a plug-in must not end the program without a word
            raise PluginBroken(f"{origin} cannot be loaded: {_cause(error)}; repair or uninstall it") from error
        if not (isinstance(part, type) and issubclass(part, base)):
            raise PluginBroken(f"{origin} is no {base.__name__}: derive it from contract.plugins.{base.__name__}")
        yield part


def _named(base: type[Own]) -> Iterator[type[Own]]:
    for name in _names(os.environ.get(VARIABLE, "")):
        module = _imported(name)
        offered = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, ConfigModel)]
        own = [each for each in offered if each.__module__ == module.__name__]
        if not any(issubclass(each, ModelPlugin | DatasetPlugin) for each in own):
            raise PluginBroken(f"{VARIABLE}: {name} defines no ModelPlugin and no DatasetPlugin (of contract.plugins)")
        yield from (each for each in own if issubclass(each, base))


def _names(text: str) -> Iterator[str]:
    """What is named, between commas; a comma inside the path of a file that is there belongs to the path."""
    parts = text.split(",")
    while parts:
        joined = (",".join(parts[:count]).strip() for count in range(len(parts), 1, -1))
        name = next((name for name in joined if os.path.isfile(os.path.expanduser(name))), parts[0].strip())  # noqa: PTH111, PTH113
        del parts[: name.count(",") + 1]
        if name:
            yield name


def _imported(name: str) -> ModuleType:
    path = Path(os.path.expanduser(name)).resolve() if name.endswith(".py") or os.sep in name else None  # noqa: PTH111
    if path is not None and not path.is_file():
        raise PluginBroken(f"{VARIABLE}: there is no file {path}; write its whole path")
    if path is not None and str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # behind all others: what a file is called must not hide what is installed
    try:
        module = importlib.import_module(name if path is None else path.stem)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plug-in must not end the program without a word
        raise PluginBroken(f"{VARIABLE}: {name} cannot be imported: {_cause(error)}") from error
    if path is not None and Path(module.__file__ or "").resolve() != path:
        raise PluginBroken(f"{VARIABLE}: {name}: another module is called {path.stem} too; give the file another name")
    return module


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _name(part: type[ConfigModel]) -> str:
    return f"{part.__module__}.{part.__qualname__}"
