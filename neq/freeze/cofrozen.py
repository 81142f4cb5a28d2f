"""Parameters without neurons that stand still with a frozen prefix.

A table of relative positions, a scale of a layer's output, belong to no neuron, so no mask names them. Left to learn on
inside a prefix that stands still, they need gradients through all of it, and the prefix frees no memory: with those of
Swin's attention learning, 0.75 of the activations stay, without 0.39 (bench/savings.py). Where the rule is asked to
stop whole prefixes, they stop along; and so they do in a prefix of layers that are always frozen.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

import torch
from torch import Tensor, nn

from neq.network.gradient_stop import trained
from neq.network.layers import WatchedLayer, described


class CofrozenParameters:
    """What can be held along with which layers.

    A parameter goes with the layers of the smallest module around it that has watched ones. One without dimensions
    stays free, and so does one of a module that has neurons, which its owner chose not to watch.

    Args:
        model: unwrapped.
        layers: the watched ones, in forward order.
        any_prefix: they go with whatever prefix is frozen whole; if not, with the one that is always frozen alone.
    """

    def __init__(self, model: nn.Module, layers: Sequence[WatchedLayer], *, any_prefix: bool = True) -> None:
        self._watched = layers
        self._around: dict[str, frozenset[str]] = {}
        found: list[WatchedLayer] = []
        static = {layer.name for layer in takewhile(lambda layer: layer.always_frozen, layers)}
        for name, parameter in _without_neurons(model, layers) if any_prefix or static else ():
            around = self._layers_around(name)
            always = around <= static
            if around and (any_prefix or always):
                found.append(WatchedLayer(name, _Holder(parameter), parameter.shape[0], 0, always_frozen=always))
                self._around[name] = around
        self.layers: Sequence[WatchedLayer] = tuple(found)
        """Each as a layer whose rows freeze together."""

    def _layers_around(self, parameter: str) -> frozenset[str]:
        """Names of the layers in the smallest module around a parameter that has any."""
        place = parameter
        while place:
            place = place.rpartition(".")[0]
            inside = [layer.name for layer in self._watched if not place or layer.name.startswith(f"{place}.")]
            if inside:
                return frozenset(inside)
        return frozenset()

    def masks(self, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Who is held along with these layers' masks: those whose layers all lie in the prefix that is frozen whole."""
        prefix = set(_prefix(self._watched, masks))
        return {
            layer.name: torch.ones(layer.neurons, dtype=torch.bool)
            for layer in self.layers
            if self._around[layer.name] <= prefix
        }


class _Holder(nn.Module):
    """A module that owns nothing but the one parameter."""

    def __init__(self, parameter: nn.Parameter) -> None:
        super().__init__()
        self.weight = parameter


def _without_neurons(model: nn.Module, layers: Sequence[WatchedLayer]) -> Iterator[tuple[str, nn.Parameter]]:
    of_neurons = {parameter for layer in layers for parameter in layer.parameters()}
    for name, module in model.named_modules():
        if described(name, module) is not None:
            of_neurons.update(module.parameters())
    for name, parameter in model.named_parameters():
        if parameter.dim() and trained(parameter) and parameter not in of_neurons:
            yield name, parameter


def _prefix(layers: Sequence[WatchedLayer], masks: Mapping[str, Tensor]) -> Iterator[str]:
    """Names of the layers from the input on, up to the first that is not frozen whole."""
    for layer in layers:
        if layer.name not in masks or not bool(masks[layer.name].all()):
            return
        yield layer.name
