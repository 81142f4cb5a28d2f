"""How much of a model is watched: which parameters belong to neurons that are measured, and why the others do not."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from neq.network.gradient_stop import trained
from neq.network.kinds import why_unknown
from neq.network.layers import WatchedLayer

MOST_MODULES = 100
"""Listed one by one in a record; of longer lists the rest is added up."""
NOT_TRAINED = "none of its parameters requires a gradient"
NOT_YET = "it is trained by now, and watched from the next epoch's end on"

_BEHIND_A_WEIGHT = re.compile(r"(^|\.)parametrizations(\..*)?$")
"""Where torch keeps what a module's weight is computed from: the module's own, for a reader."""


@dataclass(frozen=True)
class ModuleCoverage:
    """One module that owns parameters itself, not only through its children.

    A parameter that several modules share is in the row of the first that is watched with it, else of the first.

    Attributes:
        name: the module's name in the model; empty: the model itself.
        type: its class name, such as `Conv2d`.
        parameters: names of its parameters within the module.
        values: numbers in them.
        trainable: those of parameters that require a gradient.
        watched: of the trainable, those that belong to neurons that are watched.
        reason: why some or all of the others are not watched, in a sentence; None where all are.
    """

    name: str
    type: str
    parameters: tuple[str, ...]
    values: int
    trainable: int
    watched: int
    reason: str | None

    @property
    def is_watched(self) -> bool:
        """Whether any of its parameters belongs to watched neurons."""
        return self.watched > 0


@dataclass(frozen=True)
class Coverage:
    """How much of a model is watched.

    Attributes:
        modules: every module that owns parameters, in the model's order; each parameter is in one row.
    """

    modules: tuple[ModuleCoverage, ...]

    @property
    def trainable(self) -> int:
        """Numbers in the model's trainable parameters; tied ones count once."""
        return sum(module.trainable for module in self.modules)

    @property
    def watched(self) -> int:
        """Those of them that belong to watched neurons."""
        return sum(module.watched for module in self.modules)

    @property
    def fraction(self) -> float:
        """Watched over trainable parameters, counted in numbers, 0–1.

        Parameters that require no gradient count in neither. Those of a layer that is measured and never frozen count
        as watched.
        """
        return self.watched / self.trainable if self.trainable else 0.0

    @property
    def unwatched(self) -> Mapping[str, str]:
        """Modules none of whose parameters is watched, by name, and why."""
        return {module.name: module.reason for module in self.modules if not module.watched and module.reason}

    def record(self) -> dict[str, Any]:
        """The numbers, and the modules that are not watched, wholly or in part, as JSON holds them.

        Returns:
            `parameters`, `watched`, `fraction`; `unwatched`: at most 100 modules, those with most parameters that are
            not watched first; `more_modules`, `more_parameters`: the others, added up.
        """
        left: list[dict[str, Any]] = [
            {"name": one.name, "type": one.type, "parameters": one.trainable - one.watched, "reason": one.reason}
            for one in self.modules
            if one.reason is not None and one.trainable > one.watched
        ]
        left.sort(key=lambda one: -int(one["parameters"]))
        rest = left[MOST_MODULES:]
        return {
            "parameters": self.trainable,
            "watched": self.watched,
            "fraction": self.fraction,
            "unwatched": left[:MOST_MODULES],
            "more_modules": len(rest),
            "more_parameters": sum(int(one["parameters"]) for one in rest),
        }


def coverage_of(model: nn.Module, layers: Sequence[WatchedLayer], unwatched: Mapping[str, str]) -> Coverage:
    """What of a model these layers watch.

    Args:
        unwatched: reasons that are known already, by layer name.
    """
    watched = {id(parameter): layer for layer in layers for parameter in layer.parameters()}
    rows: dict[int, _Row] = {}
    owners: dict[int, tuple[_Row, str, nn.Parameter]] = {}
    for module, name, key, parameter in _owned(model):
        row = rows.setdefault(id(module), _Row(name, module))
        layer = watched.get(id(parameter))
        first = owners.get(id(parameter))
        takes_over = layer is not None and module in layer.modules
        if first is None or (takes_over and layer is not None and first[0].module not in layer.modules):
            owners[id(parameter)] = row, key, parameter
    for row, key, parameter in owners.values():
        row.take(key, parameter, watched=id(parameter) in watched)
    return Coverage(tuple(row.told(unwatched) for row in rows.values() if row.parameters))


def _owned(model: nn.Module) -> Iterator[tuple[nn.Module, str, str, nn.Parameter]]:
    """Every place of a parameter: its module, the module's name, the parameter's own name in it, and itself.

    Modules under two names are met once; a parameter is met in each module that has it.
    """
    for path, module in model.named_modules():
        name = _BEHIND_A_WEIGHT.sub("", path)
        owner = model.get_submodule(name) if name != path else module
        below = path[len(name) :].lstrip(".")
        for key, parameter in module.named_parameters(recurse=False):
            yield owner, name, f"{below}.{key}" if below else key, parameter


class _Row:
    def __init__(self, name: str, module: nn.Module) -> None:
        self.name, self.module = name, module
        self.parameters: list[str] = []
        self.values = self.trainable = self.watched = 0
        self._left: list[str] = []

    def take(self, key: str, parameter: nn.Parameter, *, watched: bool) -> None:
        self.parameters.append(key)
        self.values += parameter.numel()
        if trained(parameter):
            self.trainable += parameter.numel()
            if watched:
                self.watched += parameter.numel()
            else:
                self._left.append(key)

    def told(self, unwatched: Mapping[str, str]) -> ModuleCoverage:
        kind = WatchedLayer(self.name, self.module, 0, 0).type
        numbers = self.values, self.trainable, self.watched
        return ModuleCoverage(self.name, kind, tuple(self.parameters), *numbers, self._why(unwatched))

    def _why(self, unwatched: Mapping[str, str]) -> str | None:
        if not self.trainable:
            return NOT_TRAINED
        if not self._left:
            return None
        if self.name in unwatched:
            return NOT_YET if unwatched[self.name] == NOT_TRAINED else unwatched[self.name]
        if self.watched:
            return f"which part of {', '.join(self._left)} belongs to which neuron is not known"
        return why_unknown(self.module)
