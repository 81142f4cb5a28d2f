"""Pieces of the autograd graph that stand where a module's own weight gradient would."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from trainer.neq.stopped import gets_gradient

WeightGradients = Callable[[Tensor | None, Tensor, nn.Parameter, nn.Parameter | None], tuple[Tensor, ...]]
"""Takes the layer's input (None where it was not kept), its output's gradient, its weight and the bias that requires a
gradient; gives the weight's gradient and, where there is such a bias, the bias's."""


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
    ) -> Tensor:
        ctx.mark_dirty(output)
        ctx.save_for_backward(*(() if inputs is None else (inputs,)))
        ctx.weight, ctx.bias, ctx.compute = weight, bias, compute
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        _check_once()
        saved = ctx.saved_tensors  # once: checkpointed activations are computed for one reading
        found = ctx.compute(saved[0] if saved else None, gradient, ctx.weight, ctx.bias)
        weight = found[0].to(ctx.weight.dtype)
        return gradient, weight, found[1].to(ctx.bias.dtype) if len(found) > 1 else None, None, None


def with_weight_gradient(
    output: Tensor, weight: nn.Parameter, bias: nn.Parameter | None, inputs: Tensor | None, compute: WeightGradients
) -> Tensor:
    """The output, behind which weight and bias get the gradients of `compute`; a bias that requires none is left out.

    Of more than two dimensions a linear layer gives a view of its matrix. That is marked in its place: to a change of a
    view belongs a gradient of the whole, for which autograd copies three times as much.
    """
    trained = bias if bias is not None and gets_gradient(bias) else None
    matrix = output._base if output._is_view() else None
    if matrix is None or matrix.dim() != 2 or matrix.numel() != output.numel():
        return OwnWeightGradient.apply(output, weight, trained, inputs, compute)  # type: ignore[no-any-return]
    marked: Tensor = OwnWeightGradient.apply(matrix, weight, trained, inputs, compute)
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
        _check_once()
        (weight,) = ctx.saved_tensors
        unread = torch.empty_strided(ctx.shape, ctx.strides, dtype=gradient.dtype, device=gradient.device)
        found = torch.ops.aten.convolution_backward(
            gradient,
            unread,
            weight.to(gradient.dtype),
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


def _check_once() -> None:
    if torch.is_grad_enabled():
        raise RuntimeError(
            "a layer whose frozen neurons save time cannot be differentiated twice (create_graph=True): use "
            "NEq(savings=False)"
        )
