"""A sweep: one run for each combination of the values that fields of a description take, and for each seed."""

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from contract.config import RunConfig
from contract.config.overlay import laid_over
from contract.former_names import with_current_names

MOST_RUNS = 1_000
LONGEST_PATH = 200
LONGEST_NAME = 120
SEED = "training.seed"
IN_EVERY_NAME = frozenset({"model.kind", "data.kind", "optimizer.kind"})
"""What `RunConfig.display_name` tells by itself."""
Json = dict[str, Any]
Grid = Mapping[str, Sequence[Any]]


class SweepWrong(ValueError):
    """The grid itself cannot be: `field` is `grid`, `seeds`, or `grid.PATH`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a sweep, as it is asked for: nobody has looked yet whether it can be.

    Attributes:
        values: what it has of the fields that vary, by path, the seed last where there are several.
        description: of the run.
    """

    values: Json
    description: Json


def cells(base: Mapping[str, Any], grid: Grid, seeds: int = 1) -> list[Cell]:
    """All combinations; the last path varies fastest, and the seeds within it.

    Args:
        base: a run's description or a part of one; what it leaves out has its default.
        grid: the values of each path. An object lies over the base like a part of a description: with another `kind` it
            brings its own fields alone. So does a bare `optimizer.kind`.
        seeds: how many runs there are of each combination: with its seed, and those that follow it.

    Raises:
        SweepWrong: it is empty, too large, or contradicts itself.
    """
    _check(grid, seeds)
    whole = laid_over(RunConfig().model_dump(mode="json"), with_current_names(RunConfig, dict(base)))
    found = []
    for values in product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        part = _part(chosen)
        described = laid_over(whole, with_current_names(RunConfig, part, whole))
        found += list(_seeded(Cell(chosen, described), seeds))
    return found


def names(name: str, found: Sequence[Cell], configs: Sequence[RunConfig]) -> list[str]:
    """What the runs are called: the name given, or what they are made of, and what varies.

    Args:
        name: that the base was given; may be empty. Phrases of it that say a value which varies are left out.
        found: the cells.
        configs: what each of them describes.
    """
    paths = {path for cell in found for path in cell.values}
    varied = {path for path in paths if len({_key(cell.values.get(path)) for cell in found}) > 1}
    told = varied if name.strip() else varied - IN_EVERY_NAME
    given = _without(name.strip(), {_words(path, cell.values.get(path), set()) for cell in found for path in told})
    called = []
    differing = {path: _differing([cell.values.get(path) for cell in found]) for path in told}
    for cell, config in zip(found, configs, strict=True):
        start = given or config.model_copy(update={"name": ""}).display_name()
        told_already = frozenset() if name.strip() else IN_EVERY_NAME
        words = [
            _words(path, value, differing[path], told_already) for path, value in cell.values.items() if path in told
        ]
        called.append(_joined(start, ", ".join(filter(None, words))))
    return called


def _without(name: str, values: Set[str]) -> str:
    """`Fashion-MNIST · SGD` where the optimizer varies: `Fashion-MNIST`; as it is where nothing would be left."""
    spoken = {value.casefold() for value in values}
    parts = [
        ", ".join(phrase for phrase in part.split(", ") if phrase.strip().casefold() not in spoken)
        for part in name.split(" · ")
    ]
    return " · ".join(filter(None, parts)) or name


def _joined(start: str, words: str) -> str:
    """A name of no more than may be, whose beginning is cut: what varies stands at its end."""
    if not words:
        return start[:LONGEST_NAME].rstrip()
    behind = f" · {words}"
    room = LONGEST_NAME - len(behind)
    if room >= len(start):
        return start + behind
    return start[: room - 1].rstrip() + "…" + behind if room > 1 else "…" + behind[1 - LONGEST_NAME :]


def group_name(grid: Grid, seeds: int) -> str:
    """What a sweep is called that nobody named: the fields that vary, `epsilon × optimizer × 3 seeds`."""
    fields = [_field(path) for path, values in grid.items() if len(values) > 1]
    return " × ".join([*fields, *([f"{seeds} seeds"] if seeds > 1 else [])]) or "sweep"


def _check(grid: Grid, seeds: int) -> None:
    if seeds > 1 and SEED in grid:
        raise SweepWrong("seeds", f"{SEED} has values in the grid already: give the one or the other")
    for path, values in grid.items():
        field = f"grid.{path}"
        if not all(path.split(".")) or len(path) > LONGEST_PATH:
            raise SweepWrong("grid", f"{path[:LONGEST_PATH]!r} is not a field: give a dotted path such as neq.epsilon")
        if not values:
            raise SweepWrong(field, "There are no values: give at least one")
        twice = _repeated(values)
        if twice is not None:
            raise SweepWrong(field, f"{json.dumps(twice)[:80]} stands there twice: leave one out")
        above = next((other for other in grid if path.startswith(f"{other}.")), None)
        if above is not None:
            raise SweepWrong(field, f"{above} varies as a whole: give {path} within its values")
    runs = prod(len(values) for values in grid.values()) * seeds
    if runs > MOST_RUNS:
        raise SweepWrong(
            "grid", f"This is {runs:,} runs, and {MOST_RUNS:,} are queued at once at most: leave out values or seeds"
        )


def _repeated(values: Sequence[Any]) -> Any:
    seen = set()
    for value in values:
        if (key := _key(value)) in seen:
            return value
        seen.add(key)
    return None


def _key(value: Any) -> str:
    """The same for equal values: 1 and 1.0 are one, true and 1 are not."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return json.dumps(float(value) if number and abs(value) < 2**53 else value, sort_keys=True, default=str)


def _part(chosen: Mapping[str, Any]) -> Json:
    """The chosen values as a part of a description, kinds before the fields that they bring."""
    part: Json = {}
    for path, value in sorted(chosen.items(), key=lambda item: not item[0].endswith(".kind")):
        *groups, last = path.split(".")
        node = part
        for name in groups:
            node = node.setdefault(name, {})
        node[last] = dict(value) if isinstance(value, dict) else value
    return part


def _seeded(cell: Cell, seeds: int) -> Iterator[Cell]:
    if seeds == 1:
        yield cell
        return
    training = cell.description.get("training")
    first = training.get("seed", 0) if isinstance(training, dict) else None
    if not isinstance(first, int) or isinstance(first, bool):
        yield cell  # what is wrong with it is said of the field
        return
    for seed in range(first, first + seeds):
        description = laid_over(cell.description, {"training": {"seed": seed}})
        yield Cell({**cell.values, SEED: seed}, description)


def _field(path: str) -> str:
    """What a path is called: its last part, but a choice by what is chosen."""
    names = path.split(".")
    return names[-2] if names[-1] == "kind" and len(names) > 1 else names[-1]


def _differing(values: Sequence[Any]) -> set[tuple[str, str]]:
    """The kinds and fields of objects in which two of one kind differ."""
    seen: dict[tuple[str, str], set[str]] = {}
    for value in values:
        for name, each in value.items() if isinstance(value, dict) else ():
            seen.setdefault((_key(value.get("kind")), name), set()).add(_key(each))
    return {place for place, found in seen.items() if len(found) > 1}


def _words(path: str, value: Any, differing: Set[tuple[str, str]], told_already: Set[str] = frozenset()) -> str:
    if isinstance(value, dict):
        kind = _key(value.get("kind"))
        inside = [_words(name, each, differing) for name, each in value.items() if (kind, name) in differing]
        head = [] if f"{path}.kind" in told_already and "kind" in value else [value.get("kind", _field(path))]
        return " ".join(map(str, [*head, *inside]))
    shown = _number(value) if isinstance(value, float) else _plain(value)
    return shown if path.endswith(".kind") else f"{_field(path)} {shown}"


def _number(value: float) -> str:
    """In as few digits as tell it from every other number."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "-".join(map(_plain, value)) or "none"
    return str(value) if isinstance(value, str) else json.dumps(value)
