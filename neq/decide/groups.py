"""Groups of neurons that are stable only together: a layer, a convolution with its norm, a stage of a network.

φ of a group is the cosine of the concatenated outputs of all its neurons, so it follows from their sums without another
pass. The paper names group equilibrium as future work.

Source: arXiv:2207.09455, the conclusion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor, nn

from neq.measure.similarity import divergence_from_sums
from neq.network.discovery import matches
from neq.network.layers import NORMS, WatchedLayer
from neq.options import BuiltInGroups, Groups


@dataclass(frozen=True)
class Group:
    """Whole layers whose neurons are looked at as one; `members` are their places among all watched neurons."""

    name: str
    layers: tuple[str, ...]
    members: Tensor


def group_layers(groups: Groups, layers: Sequence[WatchedLayer], model: nn.Module) -> tuple[Group, ...]:
    """The groups, in the order of their first layers.

    Args:
        groups: `layer`: every layer; `conv+norm`: every convolution or linear layer with the norm of as many neurons
            that follows it; `stage`: the layers of the same stage, see `stage_of`; or name patterns and classes by
            group name, layers that none of them means being in no group.

    Raises:
        ValueError: there is no such grouping, or a group would be empty.
    """
    if isinstance(groups, str):
        builtin = {"layer": _each, "conv+norm": _with_norm, "stage": _stages}
        if groups not in builtin:
            raise ValueError(
                f"groups is {groups!r}; choose one of {', '.join(get_args(BuiltInGroups))}, or give patterns"
            )
        named = builtin[groups](layers, model)
    else:
        named = {
            name: [layer for layer in layers if any(matches(pattern, layer) for pattern in patterns)]
            for name, patterns in groups.items()
        }
    for name, members in named.items():
        if not members:
            raise ValueError(f"groups: {name!r} names no watched layer")
    return tuple(_group(name, members, layers) for name, members in named.items())


def _group(name: str, members: Sequence[WatchedLayer], layers: Sequence[WatchedLayer]) -> Group:
    starts: dict[str, int] = {}
    end = 0
    for layer in layers:
        starts[layer.name] = end
        end += layer.neurons
    places = [torch.arange(starts[layer.name], starts[layer.name] + layer.neurons) for layer in members]
    return Group(name, tuple(layer.name for layer in members), torch.cat(places))


def _each(layers: Sequence[WatchedLayer], model: nn.Module) -> dict[str, list[WatchedLayer]]:
    return {layer.name: [layer] for layer in layers}


def _with_norm(layers: Sequence[WatchedLayer], model: nn.Module) -> dict[str, list[WatchedLayer]]:
    named: dict[str, list[WatchedLayer]] = {}
    last: WatchedLayer | None = None
    for layer in layers:
        joins = isinstance(layer.module, NORMS) and last is not None and not isinstance(last.module, NORMS)
        if joins and last is not None and last.neurons == layer.neurons:
            named[last.name].append(layer)
        else:
            named[layer.name] = [layer]
        last = layer
    return named


def _stages(layers: Sequence[WatchedLayer], model: nn.Module) -> dict[str, list[WatchedLayer]]:
    named: dict[str, list[WatchedLayer]] = {}
    for layer in layers:
        named.setdefault(stage_of(layer.name, model), []).append(layer)
    return named


def stage_of(name: str, model: nn.Module) -> str:
    """The stage that a layer belongs to: the innermost list of blocks that it lies in, else the layer itself.

    A list of blocks is a Sequential or ModuleList of which the layer is not a direct member: `layer1` of torchvision's
    ResNets for `layer1.0.conv1` and for `layer1.0.downsample.0`, `features.1` of its Swin for `features.1.0.mlp.0`.
    """
    parts = name.split(".")
    for length in range(len(parts) - 2, 0, -1):
        prefix = ".".join(parts[:length])
        if isinstance(model.get_submodule(prefix), nn.Sequential | nn.ModuleList):
            return prefix
    return name


def group_divergence(groups: Sequence[Group], squares: Tensor) -> Tensor:
    """1 − φ of each group, float64 (groups,).

    Args:
        squares: float64 (4, neurons), as `CosineAccumulator.squares` gives them.
    """
    return torch.stack([divergence_from_sums(squares[:, group.members].sum(1)) for group in groups])
