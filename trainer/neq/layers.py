"""What a neuron is, layer by layer: one output unit of a layer that owns parameters.

Output channels of convolutions, output rows of linear layers, channels of batch and group norms, features of layer
norms. A convolution and the batch norm after it are two layers, each with its own neurons.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.hooks import RemovableHandle

_CONVOLUTIONS: dict[type[nn.Module], int] = {
    nn.Conv1d: 1,
    nn.Conv2d: 2,
    nn.Conv3d: 3,
    nn.ConvTranspose1d: 1,
    nn.ConvTranspose2d: 2,
    nn.ConvTranspose3d: 3,
}
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@dataclass(frozen=True)
class WatchedLayer:
    """A layer whose neurons are measured and may freeze.

    Attributes:
        name: the module's name in the model.
        axis: dimension of its output that tells neurons apart, after `flatten` trailing dimensions became one.
        flatten: how many trailing dimensions of the output make up the neurons' one; 1 but for some layer norms.
    """

    name: str
    module: nn.Module
    neurons: int
    axis: int
    flatten: int = 1

    @property
    def type(self) -> str:
        """The module's class name, such as `Conv2d`."""
        return type(self.module).__name__

    def parameters(self) -> Iterator[nn.Parameter]:
        """Weight and bias, where the layer has them: what freezes with its neurons."""
        for parameter in (getattr(self.module, "weight", None), getattr(self.module, "bias", None)):
            if isinstance(parameter, nn.Parameter):
                yield parameter

    def rows(self, tensor: Tensor) -> Tensor:
        """A view of a weight, a bias or one's gradient, with the neurons' dimensions in front.

        For all but grouped transposed convolutions that is one dimension, (neurons, …). There it is two,
        (groups, neurons / groups, …), because their weight is not laid out by neuron.
        """
        if tensor.dim() == 1:
            return tensor
        if isinstance(self.module, nn.LayerNorm):
            return tensor.view(self.neurons)
        if isinstance(self.module, _TRANSPOSED):
            groups = self.module.groups
            grouped: Tensor = tensor.unflatten(0, (groups, -1))
            return grouped.transpose(1, 2)
        return tensor

    def place(self, neurons: Tensor, tensor: Tensor) -> tuple[Tensor, ...]:
        """What to index `rows(tensor)` with, to reach the neurons of these numbers (int64)."""
        if tensor.dim() > 1 and isinstance(self.module, _TRANSPOSED):
            per_group = self.neurons // self.module.groups
            return neurons // per_group, neurons % per_group
        return (neurons,)

    def outputs(self, output: Tensor) -> Tensor:
        """The module's output with all neurons along `axis`."""
        return output.flatten(-self.flatten) if self.flatten > 1 else output


def watchable(name: str, module: nn.Module) -> WatchedLayer | None:
    """The module as a layer with neurons, or None where it has none or none that training could move."""
    layer = _described(name, module)
    if layer is None or not any(parameter.requires_grad for parameter in layer.parameters()):
        return None
    return layer


def _described(name: str, module: nn.Module) -> WatchedLayer | None:
    for kind, dimensions in _CONVOLUTIONS.items():
        if isinstance(module, kind):
            return WatchedLayer(name, module, int(module.out_channels), -1 - dimensions)  # type: ignore[arg-type]
    if isinstance(module, nn.Linear):
        return WatchedLayer(name, module, module.out_features, -1)
    if isinstance(module, _BatchNorm):
        return WatchedLayer(name, module, module.num_features, 1)
    if isinstance(module, nn.GroupNorm):
        return WatchedLayer(name, module, module.num_channels, 1)
    if isinstance(module, nn.LayerNorm):
        shape = module.normalized_shape
        return WatchedLayer(name, module, torch.Size(shape).numel(), -1, flatten=len(shape))
    return None


def layers_in_forward_order(model: nn.Module, forward: Callable[[], object]) -> tuple[WatchedLayer, ...]:
    """Every layer with neurons that the forward pass calls, in the order of their first call.

    A module used in several places, and a second layer that shares another's weight, count once. Layers that the pass
    does not call have no outputs to compare and are not watched.

    Raises:
        ValueError: no such layer is called, or one's output is not a tensor.
    """
    candidates = [layer for name, module in model.named_modules() if (layer := watchable(name, module)) is not None]
    order: dict[str, WatchedLayer] = {}
    seen: set[int] = set()

    def note(layer: WatchedLayer, output: Tensor) -> None:
        identity = id(next(layer.parameters()))
        if layer.name not in order and identity not in seen:
            seen.add(identity)
            order[layer.name] = layer

    with watching(candidates, note):
        forward()
    if not order:
        raise ValueError("the model calls no layer with neurons that training could move: nothing to watch")
    return tuple(order.values())


@contextmanager
def watching(layers: Iterable[WatchedLayer], seen: Callable[[WatchedLayer, Tensor], None]) -> Iterator[None]:
    """Hands each layer's output to `seen` the moment it exists, while the context lasts.

    `seen` must take what it needs at once: a later in-place operation may change the tensor.
    """
    handles: list[RemovableHandle] = []

    def hook_for(layer: WatchedLayer) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if not isinstance(output, Tensor):
                raise ValueError(
                    f"layer {layer.name!r} gave a {type(output).__name__}, not a tensor: "
                    "its neurons cannot be told apart"
                )
            seen(layer, layer.outputs(output.detach()))

        return hook

    try:
        handles.extend(layer.module.register_forward_hook(hook_for(layer)) for layer in layers)
        yield
    finally:
        for handle in handles:
            handle.remove()
