"""Kinds of layers beyond torch's own convolutions, linear layers and norms: where their neurons are.

Whoever has layers of another kind says where its neurons are with `register_layer`. Kinds that are known here already
are Hugging Face's Conv1D, torch's Bilinear and its packed attention projections.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn


@dataclass(frozen=True, eq=False)
class LayerKind:
    """Where a kind of layer has its neurons.

    Attributes:
        axis: dimension of the output that tells neurons apart.
        parameters: for each parameter of which a neuron owns a part, the dimension along which neurons own it.
    """

    axis: int
    parameters: Mapping[str, int]


PACKED_ATTENTION = LayerKind(-1, MappingProxyType({"in_proj_weight": 0, "in_proj_bias": 0}))
"""Query, key and value projections in one matrix, one below the other; `watching` computes what they give."""

_BY_NAME = {
    "torch.nn.modules.linear.Bilinear": LayerKind(-1, MappingProxyType({"weight": 0, "bias": 0})),
    "transformers.pytorch_utils.Conv1D": LayerKind(-1, MappingProxyType({"weight": 1, "bias": 0})),
}
"""Kinds of libraries that need not be installed, by the full name of their class."""

_registered: dict[type[nn.Module], LayerKind] = {}


def register_layer(kind: type[nn.Module], *, axis: int, parameters: Mapping[str, int]) -> None:
    """Makes NEq watch a kind of layer of your own, in every NEq made from now on.

        class Scaled(nn.Module):  # weight: (inputs, outputs); gain: (outputs,); gives (batch, …, outputs)
            ...

        register_layer(Scaled, axis=-1, parameters={"weight": 1, "gain": 0})

    Its neurons are measured, frozen to the bit, thawed and saved in `state_dict()` like those of torch's own layers.
    The backward pass computes their gradients whole: only a layer that is frozen whole saves time.

    Args:
        kind: the class; subclasses are watched in the same way. Registered again, it is as it was registered last.
        axis: dimension of the output that tells neurons apart, negative from the end; dimension 0 tells samples apart.
        parameters: for each parameter that has a part for every neuron its dimension along the neurons. One that is
            None in some instances, such as a missing bias, is passed over there. The first tells how many neurons
            there are.

    Raises:
        TypeError: `kind` is no class of modules, `parameters` is no mapping of names, or a dimension is no int.
        ValueError: there are no parameters, or `axis` is 0.
    """
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise TypeError(f"register_layer takes a class of modules, not {kind!r}: give its class, not an instance")
    if not isinstance(parameters, Mapping) or not all(isinstance(key, str) for key in parameters):
        raise TypeError(
            f"parameters is {parameters!r}; give a mapping from the layer's parameters to their dimensions along the "
            "neurons, such as {'weight': 0, 'bias': 0}"
        )
    if not all(isinstance(given, int) and not isinstance(given, bool) for given in (axis, *parameters.values())):
        raise TypeError("register_layer takes whole numbers as axis and as the parameters' dimensions")
    if axis == 0:
        raise ValueError("axis is 0, the dimension of the samples; give that of the neurons, such as 1 or -1")
    if not parameters:
        raise ValueError("parameters is empty; name the layer's parameters, such as {'weight': 0, 'bias': 0}")
    _registered[kind] = LayerKind(axis, MappingProxyType(dict(parameters)))


def kind_of(module: nn.Module) -> LayerKind | None:
    """The kind that this module was registered as, or is known to be; None: it is one of torch's own, or unknown."""
    for base in type(module).__mro__:
        found = _registered.get(base) or _BY_NAME.get(f"{base.__module__}.{base.__qualname__}")
        if found is not None:
            return found
    return PACKED_ATTENTION if _is_packed(module) else None


def _is_packed(module: nn.Module) -> bool:
    """Whether it is torch's attention as it stands: a subclass may feed its projections with anything."""
    if not isinstance(module, nn.MultiheadAttention) or module.in_proj_weight is None:
        return False
    return type(module).forward is nn.MultiheadAttention.forward


def why_unknown(module: nn.Module) -> str:
    """Why no neurons are seen in a module that has parameters."""
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return "an embedding looks its rows up: those of tokens that the probe set lacks would never be measured"
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return "a recurrent layer computes its gates inside one call, where their outputs cannot be seen"
    if isinstance(module, nn.MultiheadAttention):
        return "its query, key and value projections are not packed in one matrix, or its forward pass is its own"
    if any(parameter.dim() == 3 for parameter in module.parameters(recurse=False)) and _has_experts(module):
        return "which samples an expert gets changes from epoch to epoch, so its outputs cannot be paired"
    return f"where a {type(module).__name__} has its neurons is not known; say so with register_layer"


def _has_experts(module: nn.Module) -> bool:
    return hasattr(module, "num_experts") or "expert" in type(module).__name__.lower()
