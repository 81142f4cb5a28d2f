"""Pieces of the autograd graph that stand where a module's own weight gradient would."""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from neq.network.gradient_stop import gets_gradient

Again = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""Computes a layer from its input, weight and bias once more, as torch itself does."""


class WeightGradients(Protocol):
    """What makes the gradients of a layer."""

    def __call__(
        self, inputs: Tensor | None, gradient: Tensor, weight: nn.Parameter, bias: nn.Parameter | None, *, entire: bool
    ) -> tuple[Tensor, ...]:
        """The weight's gradient and, where there is a bias that requires one, the bias's.

        Args:
            inputs: the layer's; None where it was not kept.
            gradient: of its output.
            entire: somebody asked for the gradient itself (`torch.autograd.grad`): frozen rows count.
        """
        ...

    def differentiated_again(self) -> None:
        """The gradients will be differentiated once more, and were computed whole for it."""
        ...


class OwnWeightGradient(torch.autograd.Function):
    """Hands an output on as it is; its weight and bias get the gradients that `compute` gives.

    The output is marked as changed in place, not returned as a view: what follows may overwrite it, as ReLU does.
    """

    @staticmethod
    def forward(
        ctx: Any,
        output: Tensor,
        weight: nn.Parameter,
        bias: nn.Parameter | None,
        inputs: Tensor | None,
        compute: WeightGradients,
        again: Again | None,
    ) -> Tensor:
        ctx.again = again
        ctx.mark_dirty(output)
        ctx.save_for_backward(*(() if inputs is None else (inputs,)))
        ctx.weight, ctx.bias, ctx.compute = weight, bias, compute
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors  # once: checkpointed activations are computed for one reading
        if torch.is_grad_enabled() and ctx.again is not None:
            return _differentiable(ctx, saved[0], gradient)
        asked = [_asked_for(parameter) for parameter in (ctx.weight, ctx.bias) if parameter is not None]
        if not any(asked):
            return gradient, None, None, None, None, None
        inputs = saved[0].detach() if saved else None
        found = ctx.compute(inputs, gradient, ctx.weight, ctx.bias, entire="itself" in asked)
        weight = found[0].to(ctx.weight.dtype)
        return gradient, weight, found[1].to(ctx.bias.dtype) if len(found) > 1 else None, None, None, None


def _asked_for(parameter: Tensor) -> str:
    """Whether this backward pass adds to a parameter's gradient (`summed`), is asked for it alone (`itself`, as by
    torch.autograd.grad), or does without (empty)."""
    if not gets_gradient(parameter):
        return ""
    node = torch.autograd.graph.get_gradient_edge(parameter).node
    try:
        return "summed" if torch._C._will_engine_execute_node(node) else ""
    except RuntimeError:  # torch's answer where it hands out a leaf's gradient
        return "itself"


def _differentiable(ctx: Any, inputs: Tensor, gradient: Tensor) -> tuple[Tensor | None, ...]:
    """All gradients as torch makes them, so that they can be differentiated once more (create_graph=True).

    The output itself was computed with a weight that autograd does not know, which is enough for a first derivative
    only: so it gets none, and the input gets its gradient from here.
    """
    ctx.compute.differentiated_again()
    sources = [ctx.weight, ctx.bias, inputs]
    wanted = [one for one in sources if one is not None and gets_gradient(one)]
    output = ctx.again(inputs, ctx.weight, ctx.bias)
    found = iter(torch.autograd.grad(output, wanted, gradient.reshape(output.shape), create_graph=True))
    weight, bias, of_input = (next(found) if one is not None and gets_gradient(one) else None for one in sources)
    return None, weight, bias, of_input, None, None


def with_weight_gradient(
    output: Tensor,
    weight: nn.Parameter,
    bias: nn.Parameter | None,
    inputs: Tensor | None,
    compute: WeightGradients,
    again: Again | None = None,
) -> Tensor:
    """The output, behind which weight and bias get the gradients of `compute`; a bias that requires none is left out.

    Of more than two dimensions a linear layer gives a view of its matrix. That is marked in its place: to a change of a
    view belongs a gradient of the whole, for which autograd copies three times as much.
    """
    trained = bias if bias is not None and gets_gradient(bias) else None
    matrix = output._base if output._is_view() else None
    if matrix is None or matrix.dim() != 2 or matrix.numel() != output.numel():
        return OwnWeightGradient.apply(output, weight, trained, inputs, compute, again)  # type: ignore[no-any-return]
    marked: Tensor = OwnWeightGradient.apply(matrix, weight, trained, inputs, compute, again)
    return marked.view(output.shape)


class InputGradientAlone(torch.autograd.Function):
    """A convolution of a batch that keeps nothing but its weight: torch's own keeps its input too, needed or not."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, module: Any) -> Tensor:
        output: Tensor = module._conv_forward(inputs, module.weight, module.bias)
        ctx.save_for_backward(module.weight)
        ctx.module, ctx.shape, ctx.strides, ctx.dtype = module, inputs.shape, inputs.stride(), inputs.dtype
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (weight,) = ctx.saved_tensors
        unread = torch.empty_strided(ctx.shape, ctx.strides, dtype=gradient.dtype, device=gradient.device)
        found = torch.ops.aten.convolution_backward(
            gradient,
            unread,
            weight.detach().to(gradient.dtype),  # frozen: no second derivative is asked for
            None,
            ctx.module.stride,
            ctx.module.padding,
            ctx.module.dilation,
            False,
            [0] * len(ctx.module.stride),
            ctx.module.groups,
            [True, False, False],
        )[0]
        return found.to(ctx.dtype), None
