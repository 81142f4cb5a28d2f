"""Layers that another module computes by a function, with their weight: there the call of the function is replaced.

torchvision's Swin does so with the projections of its attention.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from neq.savings.functions import WeightGradients, with_weight_gradient
from neq.savings.patch import cast, patch, unpatch

_CALLERS = frozenset({("torchvision.models.swin_transformer", "ShiftedWindowAttention")})
"""Modules of which it is proven: they call the function once, within their own forward pass and not in a checkpoint."""


def is_proven(caller: nn.Module | None) -> bool:
    """Whether a module's calls of functions may be replaced."""
    return (type(caller).__module__, type(caller).__qualname__) in _CALLERS and "forward" not in vars(caller)


def replace_call(caller: nn.Module, weight: nn.Parameter, compute: WeightGradients) -> None:
    """From now on `compute` makes the gradients of this weight and its bias, wherever `caller` multiplies by it."""
    own = _replaced(caller)
    if own is None:
        own = {}
        patch(caller, _forward)
        type(caller)._own_gradients = own  # type: ignore[attr-defined]
    own[id(weight)] = compute


def restore_call(caller: nn.Module, weight: nn.Parameter) -> None:
    """`caller` multiplies by this weight as it did."""
    own = _replaced(caller)
    if own is not None:
        own.pop(id(weight), None)
        if not own:
            unpatch(caller)


def _replaced(caller: nn.Module) -> dict[int, WeightGradients] | None:
    return vars(type(caller)).get("_own_gradients")


def _forward(module: Any, *inputs: Any, **keywords: Any) -> Any:
    kind = type(module)
    if torch.compiler.is_compiling():
        return kind._patched_from.forward(module, *inputs, **keywords)
    with _Calls(kind._own_gradients):
        return kind._patched_from.forward(module, *inputs, **keywords)


class _Calls(TorchFunctionMode):
    def __init__(self, own: dict[int, WeightGradients]) -> None:
        super().__init__()
        self._own = own

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        compute = self._own.get(id(args[1])) if func is functional.linear and len(args) > 1 else None
        if compute is None:
            return func(*args, **(kwargs or {}))
        return _linear(compute, *args, **(kwargs or {}))


def _linear(compute: WeightGradients, given: Tensor, weight: nn.Parameter, bias: nn.Parameter | None = None) -> Tensor:
    inputs = cast(given)
    output = functional.linear(inputs, weight.detach(), None if bias is None else bias.detach())
    return with_weight_gradient(output, weight, bias, inputs, compute, _again)


def _again(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return functional.linear(inputs, weight.to(inputs.dtype), None if bias is None else bias.to(inputs.dtype))
