"""What a neuron is, layer by layer: one output unit of a layer that owns parameters.

Output channels of convolutions, output rows of linear layers, channels of batch and group norms, features of layer
norms, and what `kinds` knows beside. A convolution and the batch norm after it are two layers, each with its own
neurons.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.utils import parametrize

from neq.network.gradient_stop import trained
from neq.network.kinds import LayerKind, kind_of

_CONVOLUTIONS: dict[type[nn.Module], int] = {
    nn.Conv1d: 1,
    nn.Conv2d: 2,
    nn.Conv3d: 3,
    nn.ConvTranspose1d: 1,
    nn.ConvTranspose2d: 2,
    nn.ConvTranspose3d: 3,
}
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_FEATURE_NORMS = (nn.LayerNorm, nn.RMSNorm)
_CHANNEL_NORMS = (_BatchNorm, _InstanceNorm)
NORMS = (*_CHANNEL_NORMS, nn.GroupNorm, *_FEATURE_NORMS)
"""Layers that rescale what another layer gave."""


@dataclass(frozen=True, eq=False)
class WatchedLayer:
    """A layer whose neurons are measured and may freeze.

    Attributes:
        name: the module's name in the model.
        module: the module; with `aliases`, the first one called.
        axis: dimension of its output that tells neurons apart, after `flatten` trailing dimensions became one.
        flatten: how many trailing dimensions of the output make up the neurons' one; 1 but for some layer norms.
        aliases: further modules that share the weight. They are the same neurons at another place: their outputs count
            with the module's, and their biases freeze with it.
        by_function: whether the model computes it without calling the module, by the function and the module's weight.
        caller: the module that computes it, where `by_function`; None where nothing is known of it.
        held_open: why none of its neurons may ever freeze; None where they may.
        always_frozen: whether all its neurons are frozen from before the first step to the end.
        kind: where its neurons are, for a layer of another kind than torch's own convolutions, linear layers and norms.
    """

    name: str
    module: nn.Module
    neurons: int
    axis: int
    flatten: int = 1
    aliases: tuple[nn.Module, ...] = ()
    by_function: bool = False
    caller: nn.Module | None = None
    held_open: str | None = None
    always_frozen: bool = False
    kind: LayerKind | None = None

    @property
    def type(self) -> str:
        """The module's class name, such as `Conv2d`."""
        kind = type(self.module)
        return kind.__bases__[0].__name__ if parametrize.is_parametrized(self.module) else kind.__name__

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """Every module whose outputs are these neurons'."""
        return (self.module, *self.aliases)

    def parameters(self) -> Iterator[nn.Parameter]:
        """Weight, biases and whatever else has an entry for each neuron: what freezes with the neurons."""
        given: set[int] = set()
        for module in self.modules:
            further = (parameter for _, parameter in self.further_parameters(module))
            for parameter in (*own_parameters(module, self.kind), *further):
                if id(parameter) not in given:
                    given.add(id(parameter))
                    yield parameter

    def not_by_neuron(self) -> str | None:
        """A parameter within its modules of which nobody can say which neuron it belongs to, by name; None: none is.

        Whoever registered a kind of layer has said it: what is not named there is left to learn on.
        """
        if self.kind is not None:
            return None
        known = {id(parameter) for parameter in self.parameters()}
        named = (pair for module in self.modules for pair in module.named_parameters())
        return next((name for name, parameter in named if id(parameter) not in known and trained(parameter)), None)

    def further_parameters(self, module: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
        """Beside weight and bias, by name, what fits the neurons by its size; a registered kind names all there are."""
        return _further_parameters(module, self.neurons) if self.kind is None else iter(())

    def rows(self, tensor: Tensor) -> Tensor:
        """A view of a weight, a bias or one's gradient, with the neurons' dimensions in front.

        For all but grouped transposed convolutions that is one dimension, (neurons, …). There it is two,
        (groups, neurons / groups, …), because their weight is not laid out by neuron.
        """
        if tensor.dim() == 1:
            return tensor
        if self.kind is not None:
            return tensor.movedim(_dimension(self.module, self.kind, tensor), 0)
        if isinstance(self.module, _FEATURE_NORMS):
            return tensor.view(self.neurons)
        if isinstance(self.module, _TRANSPOSED):
            groups = self.module.groups
            grouped: Tensor = tensor.unflatten(0, (groups, -1))
            return grouped.transpose(1, 2)
        return tensor

    def place(self, neurons: Tensor, tensor: Tensor) -> tuple[Tensor, ...]:
        """What to index `rows(tensor)` with, to reach the neurons of these numbers (int64)."""
        if tensor.dim() > 1 and self.kind is None and isinstance(self.module, _TRANSPOSED):
            per_group = self.neurons // self.module.groups
            return neurons // per_group, neurons % per_group
        return (neurons,)

    def by_neuron(self, tensor: Tensor) -> Tensor:
        """A parameter's values as (neurons, values of one neuron)."""
        every = torch.arange(self.neurons, device=tensor.device)
        return self.rows(tensor)[self.place(every, tensor)].reshape(self.neurons, -1)

    def replaced(self, **fields: Any) -> "WatchedLayer":
        """The same layer with other values in some fields."""
        return replace(self, **fields)

    def outputs(self, output: Tensor) -> Tensor:
        """The module's output with all neurons along `axis`."""
        return output.flatten(-self.flatten) if self.flatten > 1 else output


def own_parameters(module: nn.Module, kind: LayerKind | None = None) -> Iterator[nn.Parameter]:
    """A module's weight and bias, where it has them, or what its kind names; those behind them where it computes its
    weight from others."""
    if parametrize.is_parametrized(module) or hasattr(module, "weight_g"):
        yield from module.parameters()
        return
    for name in ("weight", "bias") if kind is None else kind.parameters:
        parameter = getattr(module, name, None)
        if isinstance(parameter, nn.Parameter):
            yield parameter


def _further_parameters(module: nn.Module, neurons: int) -> Iterator[tuple[str, nn.Parameter]]:
    """What a module has for each of its neurons beside weight and bias: a gain of each output channel, for one."""
    for name, parameter in module.named_parameters(recurse=False):
        one_each = parameter.shape[:1] == (neurons,) and parameter.numel() == neurons
        if (
            name not in ("weight", "bias")
            and one_each
            and (parameter.dim() == 1 or not isinstance(module, _TRANSPOSED))
        ):
            yield name, parameter


def described(name: str, module: nn.Module) -> WatchedLayer | None:
    """The module as a layer with neurons, or None where it is of no such kind or has no parameters."""
    kind = kind_of(module)
    layer = _of_its_kind(name, module) if kind is None else _of_other_kind(name, module, kind)
    return layer if layer is not None and any(True for _ in layer.parameters()) else None


def _of_other_kind(name: str, module: nn.Module, kind: LayerKind) -> WatchedLayer | None:
    """As its kind says, checked against the sizes that its parameters really have."""
    missing = [key for key in kind.parameters if not hasattr(module, key)]
    if missing:
        own = ", ".join(repr(key) for key, _ in module.named_parameters(recurse=False)) or "none"
        raise ValueError(
            f"layer {name!r}: a {type(module).__name__} has no parameter {missing[0]!r}, which register_layer names; "
            f"its own are {own}"
        )
    found = list(_parts(module, kind))
    if not found:
        return None
    for key, tensor, dimension in found:
        if not -tensor.dim() <= dimension < tensor.dim():
            raise ValueError(f"layer {name!r}: {key} has shape {tuple(tensor.shape)}, and no dimension {dimension}")
    along = {(tensor.shape, dimension % tensor.dim()) for _, tensor, dimension in found}
    if len({shape for shape, _ in along}) != len(along):
        raise ValueError(
            f"layer {name!r}: two parameters of one shape have their neurons in different dimensions, which NEq cannot "
            "tell apart; see register_layer"
        )
    neurons = {key: tensor.shape[dimension] for key, tensor, dimension in found}
    if len(set(neurons.values())) != 1:
        raise ValueError(
            f"layer {name!r}: its parameters have different numbers of neurons, {neurons}; see register_layer"
        )
    return WatchedLayer(name, module, next(iter(neurons.values())), kind.axis, kind=kind)


def _parts(module: nn.Module, kind: LayerKind) -> Iterator[tuple[str, Tensor, int]]:
    """What a kind names of a module and the module has, with its dimension along the neurons."""
    for key, dimension in kind.parameters.items():
        if isinstance(tensor := getattr(module, key, None), Tensor):
            yield key, tensor, dimension


def _dimension(module: nn.Module, kind: LayerKind, like: Tensor) -> int:
    """Along which dimension neurons own a parameter, or a tensor of its shape."""
    return next(dimension for _, tensor, dimension in _parts(module, kind) if tensor.shape == like.shape)


def _of_its_kind(name: str, module: nn.Module) -> WatchedLayer | None:
    for kind, dimensions in _CONVOLUTIONS.items():
        if isinstance(module, kind):
            return WatchedLayer(name, module, int(module.out_channels), -1 - dimensions)  # type: ignore[arg-type]
    if isinstance(module, nn.Linear):
        return WatchedLayer(name, module, module.out_features, -1)
    if isinstance(module, _CHANNEL_NORMS):
        return WatchedLayer(name, module, module.num_features, 1)
    if isinstance(module, nn.GroupNorm):
        return WatchedLayer(name, module, module.num_channels, 1)
    if isinstance(module, _FEATURE_NORMS):
        shape = module.normalized_shape
        return WatchedLayer(name, module, torch.Size(shape).numel(), -1, flatten=len(shape))
    return None
