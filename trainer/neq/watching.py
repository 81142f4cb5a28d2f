"""Seeing what layers give, as they give it.

Most layers are called as modules, and a forward hook sees their outputs. Some models take a layer's weight and call the
function themselves: torchvision's Swin does so with the projections of its attention. There the call of the function
with that very weight is the layer's.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from trainer.neq.layers import WatchedLayer
from trainer.neq.substitution import substituted

States = Mapping[nn.Module, Mapping[str, Tensor]]
"""Parameters and buffers of modules, by their names within each."""

Rerun = Callable[[States], Tensor]
"""Computes a layer's output again, on the same inputs, with other parameters and buffers."""

Seen = Callable[[WatchedLayer, Tensor, Rerun], None]
"""Called with a layer, its output, and a way to compute it with other weights, valid until `Seen` returns."""

_FUNCTIONS = (functional.linear, functional.conv1d, functional.conv2d, functional.conv3d)
_WITH_A_FUNCTION = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def may_be_used_unseen(layer: WatchedLayer) -> bool:
    """Whether a model could compute this kind of layer without calling the module, and be seen doing it."""
    return isinstance(layer.module, _WITH_A_FUNCTION)


@contextmanager
def watching(layers: Iterable[WatchedLayer], seen: Seen) -> Iterator[None]:
    """Hands each layer's output to `seen` the moment it exists, while the context lasts.

    `seen` must take what it needs at once: a later in-place operation may change the tensor.
    """
    every = tuple(layers)
    unseen = [layer for layer in every if layer.by_function]
    handles: list[RemovableHandle] = []
    with ExitStack() as stack:
        try:
            for layer in every:
                if not layer.by_function:
                    hook = _hook_for(layer, seen)
                    handles.extend(module.register_forward_hook(hook, with_kwargs=True) for module in layer.modules)
            if unseen:
                stack.enter_context(_calls_of(unseen, seen))
            yield
        finally:
            for handle in handles:
                handle.remove()


def _hook_for(layer: WatchedLayer, seen: Seen) -> Callable[[nn.Module, Any, Any, Any], None]:
    running = False

    def hook(module: nn.Module, inputs: Any, keywords: Any, output: Any) -> None:
        nonlocal running
        if running:  # `again` below calls the module once more
            return
        if not isinstance(output, Tensor):
            raise ValueError(
                f"layer {layer.name!r} gave a {type(output).__name__}, not a tensor: its neurons cannot be told "
                f"apart; leave it out with layers=Watch(never=({layer.name!r},))"
            )

        def again(states: States) -> Tensor:
            nonlocal running
            running = True
            try:
                with substituted(module, states[module]):
                    other: Tensor = module(*inputs, **keywords)
            finally:
                running = False
            return layer.outputs(other.detach())

        seen(layer, layer.outputs(output.detach()), again)

    return hook


class FunctionCalls(TorchFunctionMode):
    """Sees torch's functions being called with a layer's weight.

    Args:
        layer_of: the layer whose weight a tensor is, or None; asked at every call.
        called: told the layer, the function, its arguments and keywords, and its output.
    """

    def __init__(
        self,
        layer_of: Callable[[Tensor], WatchedLayer | None],
        called: Callable[[WatchedLayer, Any, Sequence[Any], Mapping[str, Any], Tensor], None],
    ) -> None:
        super().__init__()
        self._layer_of = layer_of
        self._called = called

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func in _FUNCTIONS and len(args) > 1 and (layer := self._layer_of(args[1])) is not None:
            self._called(layer, func, args, kwargs or {}, output)
        return output


def _calls_of(layers: Sequence[WatchedLayer], seen: Seen) -> FunctionCalls:
    def layer_of(weight: Tensor) -> WatchedLayer | None:
        # Looked up at every call: while the former network runs, its modules hold other tensors.
        return next((layer for layer in layers if layer.module.weight is weight), None)

    def called(
        layer: WatchedLayer, func: Any, args: Sequence[Any], keywords: Mapping[str, Any], output: Tensor
    ) -> None:
        seen(layer, layer.outputs(output.detach()), _again(layer, func, args, keywords))

    return FunctionCalls(layer_of, called)


def _again(layer: WatchedLayer, func: Any, args: Sequence[Any], keywords: Mapping[str, Any]) -> Rerun:
    def again(states: States) -> Tensor:
        state = states[layer.module]
        bias = args[2] if len(args) > 2 else keywords.get("bias")
        bias = state.get("bias", bias)
        others = {name: value for name, value in keywords.items() if name != "bias"}
        other: Tensor = func(args[0], state["weight"], bias, *args[3:], **others)
        return layer.outputs(other.detach())

    return again
