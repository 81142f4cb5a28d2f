"""Where frozen neurons cannot save time, and why; their masks hold all the same."""

import torch
from torch import Tensor, nn

from neq.network.gradient_stop import gets_gradient, is_plain
from neq.network.layers import NORMS, WatchedLayer
from neq.network.optimizers import Optimizers
from neq.savings.by_function import is_proven
from neq.savings.gradients import CONVOLUTIONS, Geometry

_BY_FUNCTION = "the model computes it by a function, without calling the module"
_OTHER_KIND = "how to compute some of its rows alone is not known for this kind of layer"


def why_not_at_all(layer: WatchedLayer, optimizers: Optimizers) -> str | None:
    """Why nothing may be changed about a layer, neither whole nor in part."""
    if optimizers.within_backward:
        return "an optimizer, or a hook, may step within the backward pass, which may still need the weight that moves"
    if any(isinstance(optimizer, torch.optim.LBFGS) for optimizer in optimizers):
        return "LBFGS looks at all gradients as one vector and evaluates the loss many times per step"
    for parameter in layer.parameters():
        if not is_plain(parameter):
            return f"its parameters are of type {type(parameter).__name__}: sharded or otherwise not plain tensors"
    return None


def why_no_rows(layer: WatchedLayer) -> str | None:
    """Why the gradient of some of a layer's rows cannot be computed alone."""
    if isinstance(layer.module, NORMS):
        return "the gradient of a norm's scale costs next to nothing"
    if layer.kind is not None:
        return _OTHER_KIND
    if layer.by_function and not is_proven(layer.caller):
        return _BY_FUNCTION
    reasons = [_why_not_swapped(module) or _why_not_sliced(module) for module in layer.modules]
    return next((reason for reason in reasons if reason is not None), None)


def why_no_zeros(layer: WatchedLayer) -> str | None:
    """Why the module cannot be made to give gradients of zeros without computing them."""
    if layer.by_function or layer.kind is not None:
        return _BY_FUNCTION if layer.by_function else _OTHER_KIND
    reasons = [_why_not_swapped(module) or _why_not_convolved(module) for module in layer.modules]
    return next((reason for reason in reasons if reason is not None), None)


def keeps_input(module: nn.Module) -> bool:
    """Whether torch's own code keeps the module's input although none of its parameters requires a gradient, and the
    module can be made not to."""
    return type(module) in CONVOLUTIONS and _why_not_swapped(module) is None and _why_not_convolved(module) is None


def _why_not_swapped(module: nn.Module) -> str | None:
    if "forward" in vars(module):
        return "its forward method was replaced by another"
    weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
    if not isinstance(weight, Tensor) or not gets_gradient(weight):
        return "its weight requires no gradient"
    if bias is not None and not isinstance(bias, nn.Parameter):
        return "its bias is no parameter"
    return None


def _why_not_convolved(module: nn.Module) -> str | None:
    if type(module) is nn.Linear:
        return None
    if type(module) not in CONVOLUTIONS:
        return f"{type(module).__name__} is not of torch's own kinds that this was proven for"
    if getattr(module, "padding_mode", "zeros") != "zeros" or isinstance(getattr(module, "padding", 0), str):
        return "its padding is no plain number of zeros"
    return None


def _why_not_sliced(module: nn.Module) -> str | None:
    reason = _why_not_convolved(module)
    if reason is None and Geometry.of(module) is None:
        return "its groups are computed together: some rows alone would cost as much"
    return reason
