"""Lets a module run other code in its forward pass, and leaves no other trace in it.

The module's class is replaced by a subclass of the same name made for it alone. Its attributes, hooks, parameter names
and printed form stay; a copy or a pickle of it is a module of the original class.
"""

import copyreg
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from neq.savings.functions import InputGradientAlone, WeightGradients, with_weight_gradient

Forward = Callable[..., Any]
"""Takes a module and what its forward pass is given."""


def patch(module: nn.Module, forward: Forward) -> None:
    """Runs `forward(module, …)` wherever a gradient is recorded; elsewhere the module's own code."""
    base: Any = type(module)

    def forward_or_own(self: Any, *inputs: Any, **keywords: Any) -> Any:
        if not torch.is_grad_enabled() or _is_traced():
            return base.forward(self, *inputs, **keywords)
        return forward(self, *inputs, **keywords)

    def reduce(self: Any, protocol: Any) -> Any:
        _, _, *rest = super(base, self).__reduce_ex__(protocol)
        return copyreg._reconstructor, (base, object, None), *rest  # type: ignore[attr-defined]

    body = {"forward": forward_or_own, "__reduce_ex__": reduce, "__module__": base.__module__, "__doc__": base.__doc__}
    module.__class__ = type(base.__name__, (base,), {**body, "__qualname__": base.__qualname__, "_patched_from": base})


def _is_traced() -> bool:
    """Whether somebody transforms or records the computation, who must see the module's own."""
    return torch._C._functorch.peek_interpreter_stack() is not None or torch._C._is_tracing()


def unpatch(module: nn.Module) -> None:
    """Gives a module its own class back."""
    base = vars(type(module)).get("_patched_from")
    if base is not None:
        module.__class__ = base


def lift(module: nn.Module) -> Callable[[], None]:
    """Gives a module its own class back for a while; call what is returned to patch it again."""
    kind = type(module)
    unpatch(module)

    def lower() -> None:
        module.__class__ = kind

    return lower


def with_own_gradient(compute: WeightGradients) -> Forward:
    """The module's own computation, but `compute` makes the gradients of its weight and bias."""

    def forward(module: Any, inputs: Tensor) -> Tensor:
        inputs = cast(inputs)
        weight, bias = module.weight, module.bias
        fixed = None if bias is None else bias.detach()
        output = _own(module, inputs, weight.detach(), fixed)
        return with_weight_gradient(output, weight, bias, inputs, compute, functools.partial(_again, module))

    return forward


def without_gradient(module: Any, inputs: Tensor) -> Tensor:
    """A convolution whose parameters require no gradient, without keeping its input."""
    if not _needs_input_gradient_alone(module, inputs):
        return type(module)._patched_from.forward(module, inputs)  # type: ignore[no-any-return]
    return InputGradientAlone.apply(inputs, module)  # type: ignore[no-any-return]


def with_zeros(name: str) -> Forward:
    """The module's own computation with gradients of zeros for its parameters, without keeping its input.

    Args:
        name: the layer's.
    """
    zeros = _Zeros(name)

    def forward(module: Any, inputs: Tensor) -> Tensor:
        weight, bias = module.weight, module.bias
        if _needs_input_gradient_alone(module, inputs):
            output = InputGradientAlone.apply(inputs, module)
        else:
            output = _own(module, inputs, weight.detach(), None if bias is None else bias.detach())
        return with_weight_gradient(output, weight, bias, None, zeros)

    return forward


def _needs_input_gradient_alone(module: Any, inputs: Tensor) -> bool:
    return not isinstance(module, nn.Linear) and inputs.requires_grad and inputs.dim() == module.weight.dim()


class _Zeros:
    """The gradients of a layer that is frozen whole, as `functions.WeightGradients` has it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(
        self, inputs: Tensor | None, gradient: Tensor, weight: nn.Parameter, bias: nn.Parameter | None, *, entire: bool
    ) -> tuple[Tensor, ...]:
        if entire:
            raise RuntimeError(
                f"layer {self._name!r} is frozen whole and kept nothing to compute its gradient from, which was asked "
                "for: run forward and backward pass within NEq.dense_pass(), or make NEq with savings=False"
            )
        return (torch.zeros_like(weight), *(() if bias is None else (torch.zeros_like(bias),)))

    def differentiated_again(self) -> None:
        """Zeros stay zeros."""


def _again(module: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The module's own computation, in the type that it first computed in."""
    return _own(module, inputs, weight.to(inputs.dtype), None if bias is None else bias.to(inputs.dtype))


def _own(module: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    if isinstance(module, nn.Linear):
        return nn.functional.linear(inputs, weight, bias)
    return module._conv_forward(inputs, weight, bias)  # type: ignore[no-any-return]


def cast(inputs: Tensor) -> Tensor:
    """The input in the type that autocast computes in, so that it is converted and kept once."""
    kind = inputs.device.type
    if inputs.dtype == torch.float32 and torch.is_autocast_enabled(kind):
        return inputs.to(torch.get_autocast_dtype(kind))
    return inputs
