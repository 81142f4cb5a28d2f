"""Frozen neurons do not move: their weight rows and bias entries stay the same to the bit.

Any optimizer may run unchanged. Its step moves frozen rows by momentum and weight decay even where their gradient is
zero, so the rows are put back right after it. Their gradients are zeroed as they arrive, so that norms taken between
the backward pass and the step count only what moves. What need not be computed at all is left to `savings`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from trainer.neq.layers import WatchedLayer
from trainer.neq.momentum import MomentumOnThaw, OptimizerRows
from trainer.neq.savings.layer import SavingLayer
from trainer.neq.savings.plan import LayerPlan
from trainer.neq.savings.savings import Mode, Savings


@dataclass(frozen=True)
class _Held:
    """The rows of one parameter that must not move, and what they were."""

    parameter: nn.Parameter
    layer: WatchedLayer
    place: tuple[Tensor, ...]
    values: Tensor
    saving: SavingLayer

    def put_back(self) -> None:
        self.layer.rows(self.parameter.data)[self.place] = self.values

    def clear_gradient(self) -> None:
        if self.parameter.grad is not None and not self.parameter.grad.is_sparse:
            self.layer.rows(self.parameter.grad)[self.place] = 0

    def zero_gradient(self, parameter: Tensor) -> None:
        if not self.saving.leaves_zeros(parameter, self._frozen_gradient):
            self.clear_gradient()

    def _frozen_gradient(self) -> Tensor:
        if self.parameter.grad is None:
            return self.values.new_zeros(())
        return self.layer.rows(self.parameter.grad)[self.place]


class Freezer:
    """Holds the frozen neurons of a model in place, from one `hold` to the next."""

    def __init__(
        self,
        layers: Sequence[WatchedLayer],
        optimizer: Optimizer,
        momentum_on_thaw: MomentumOnThaw = "keep",
        savings: Mode = True,
    ) -> None:
        self._layers = {layer.name: layer for layer in layers}
        self._savings = Savings(layers, optimizer, savings)
        self._held: list[_Held] = []
        self._gradient_hooks: list[RemovableHandle] = []
        self._rows = OptimizerRows(layers, optimizer, momentum_on_thaw)
        self._step_hook = optimizer.register_step_post_hook(self._after_step)

    def hold(self, masks: Mapping[str, Tensor]) -> None:
        """Freezes exactly these neurons, at the values that they have now; all others move again.

        Args:
            masks: bool, one value a neuron, by layer name; a layer left out moves whole.
        """
        self._rows.change(masks)
        self._hold(masks)

    def _hold(self, masks: Mapping[str, Tensor]) -> None:
        self._let_go()
        self._savings.change(masks)
        for name, mask in masks.items():
            neurons = mask.nonzero().flatten()
            if neurons.numel():
                self._hold_layer(self._layers[name], neurons)

    def _hold_layer(self, layer: WatchedLayer, neurons: Tensor) -> None:
        saving = self._savings.of(layer.name)
        for parameter in layer.parameters():
            if not parameter.requires_grad:  # by its owner's will, or stopped by the savings
                continue
            place = layer.place(neurons.to(parameter.device), parameter)
            held = _Held(parameter, layer, place, layer.rows(parameter.detach())[place].clone(), saving)
            self._held.append(held)
            self._gradient_hooks.append(parameter.register_post_accumulate_grad_hook(held.zero_gradient))
            held.clear_gradient()

    def _let_go(self) -> None:
        self._held.clear()
        for hook in self._gradient_hooks:
            hook.remove()
        self._gradient_hooks.clear()

    def close(self) -> None:
        """Lets every neuron move and leaves the optimizer."""
        self.hold({})
        self._savings.close()
        self._step_hook.remove()

    def plans(self) -> dict[str, LayerPlan]:
        """What the backward pass does about every layer until the next `hold`."""
        return self._savings.plans()

    def lifted(self) -> AbstractContextManager[bool]:
        """As `Savings.lifted`."""
        return self._savings.lifted()

    def state_dict(self) -> dict[str, Any]:
        """What the optimizer will be given back when frozen neurons thaw; copies."""
        return self._rows.state_dict()

    def load_state_dict(self, state: Mapping[str, Any], masks: Mapping[str, Tensor]) -> None:
        """Continues where `state_dict()` was taken, with the masks that were held then.

        The model's and the optimizer's own state must have been loaded: frozen rows keep what they have now.
        """
        self._rows.load_state_dict(state, masks)
        self._hold(masks)

    @torch.no_grad()
    def _after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        for held in self._held:
            held.put_back()
        self._rows.count_step()
        self._savings.after_step()
