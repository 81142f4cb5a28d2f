"""Seeing what layers give, as they give it.

Most layers are called as modules, and a forward hook sees their outputs. Some models take a layer's weight and call the
function themselves: torchvision's Swin does so with the projections of its attention. There the call of the function
with that very weight is the layer's. What torch's own attention projects is computed beside it, see `attention.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from neq.network.attention import OUTPUT, given, is_within_attention, projections
from neq.network.kinds import PACKED_ATTENTION
from neq.network.layers import WatchedLayer
from neq.network.substitution import substituted

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


class NoTensor(ValueError):
    """A layer gave something whose neurons cannot be told apart."""


@contextmanager
def watching(layers: Iterable[WatchedLayer], seen: Seen) -> Iterator[None]:
    """Hands each layer's output to `seen` the moment it exists, while the context lasts.

    `seen` must take what it needs at once: a later in-place operation may change the tensor.
    """
    every = tuple(layers)
    unseen = [layer for layer in every if layer.by_function and not is_within_attention(layer)]
    rerun = _Rerun()
    with ExitStack() as stack:
        for layer in every:
            for module, hook in _hooks(layer, seen, rerun):
                stack.callback(module.register_forward_hook(hook, with_kwargs=True).remove)
        if unseen:
            stack.enter_context(_calls_of(unseen, seen))
        yield


Hook = Callable[[nn.Module, Any, Any, Any], None]


class _Rerun:
    """Whether a module is being called once more, by `Rerun`: that call is no layer's output."""

    def __init__(self) -> None:
        self.running = False

    def call(self, module: nn.Module, state: Mapping[str, Tensor], inputs: Any, keywords: Any) -> Any:
        """What the module gives with other parameters and buffers, by its own names for them."""
        self.running = True
        try:
            with substituted(module, state):
                return module(*inputs, **keywords)
        finally:
            self.running = False


def _hooks(layer: WatchedLayer, seen: Seen, rerun: _Rerun) -> Iterator[tuple[nn.Module, Hook]]:
    """The modules whose calls give the layer's outputs, and what is to be done then."""
    if is_within_attention(layer) and layer.caller is not None:
        yield layer.caller, _output_projection_hook(layer, seen, rerun)
    elif not layer.by_function:
        make = _projections_hook if layer.kind is PACKED_ATTENTION else _hook_for
        yield from ((module, make(layer, seen, rerun)) for module in layer.modules)


def _hook_for(layer: WatchedLayer, seen: Seen, rerun: _Rerun) -> Hook:
    def hook(module: nn.Module, inputs: Any, keywords: Any, output: Any) -> None:
        if rerun.running:
            return
        if not isinstance(output, Tensor):
            raise NoTensor(
                f"layer {layer.name!r} gave a {type(output).__name__}, not a tensor: its neurons cannot be told "
                f"apart; leave it out with layers=LayerFilter(never=({layer.name!r},))"
            )

        def again(states: States) -> Tensor:
            other: Tensor = rerun.call(module, states[module], inputs, keywords)
            return layer.outputs(other.detach())

        seen(layer, layer.outputs(output.detach()), again)

    return hook


def _projections_hook(layer: WatchedLayer, seen: Seen, rerun: _Rerun) -> Hook:
    """Query, key and value projections of an attention."""

    def hook(attention: Any, inputs: Any, keywords: Any, output: Any) -> None:
        if rerun.running:
            return
        fed = given(inputs, keywords)

        def again(states: States) -> Tensor:
            state = states[attention]
            return projections(attention, fed, state["in_proj_weight"], state.get("in_proj_bias")).detach()

        seen(layer, projections(attention, fed, attention.in_proj_weight, attention.in_proj_bias).detach(), again)

    return hook


def _output_projection_hook(layer: WatchedLayer, seen: Seen, rerun: _Rerun) -> Hook:
    """The output projection of an attention, whose output is the attention's own first."""

    def hook(attention: nn.Module, inputs: Any, keywords: Any, output: Any) -> None:
        if rerun.running:
            return

        def again(states: States) -> Tensor:
            state = {f"{OUTPUT}.{name}": tensor for name, tensor in states[layer.module].items()}
            other: Tensor = rerun.call(attention, state, inputs, keywords)[0]
            return other.detach()

        seen(layer, output[0].detach(), again)

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
