"""DistributedDataParallel for a network of which parts are stopped: it waits for no gradient that does not come."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel as TorchDistributedDataParallel

from neq.network.gradient_stop import gets_gradient, plainly

_KEPT = (
    *("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks"),
    *("_forward_pre_hooks_with_kwargs", "training", "require_backward_grad_sync"),
)


class DistributedDataParallel(TorchDistributedDataParallel):
    """`torch.nn.parallel.DistributedDataParallel` that lets NEq's savings stop whole layers; takes the same arguments.

    Torch's own waits for a gradient of every parameter that required one when it was made. NEq then has to give
    zeros for layers that are frozen whole, and all processes add these up. This one is made anew, in place, in the
    first forward pass after the set of parameters that require gradients has changed: a few milliseconds, in every
    process at the same step, since all freeze the same neurons. Give it to `NEq` as the model.

    A hook of `register_comm_hook` is registered again each time; one that remembers buckets between steps, as
    PowerSGD's does, has to bear that these change.

    Args:
        module, device_ids, options: as torch's, see there.
    """

    def __init__(
        self, module: nn.Module, device_ids: Sequence[int | torch.device] | None = None, **options: Any
    ) -> None:
        with plainly(module.parameters()):
            super().__init__(module, device_ids, **options)
        self._options = options | {"device_ids": device_ids}
        self._wrapped_for = _trained(module)
        self._comm_hook: tuple[object, Callable[..., Any]] | None = None

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        """The module's own; gradients of the backward pass are averaged over the processes."""
        if torch.is_grad_enabled() and (trained := _trained(self.module)) != self._wrapped_for:
            if not any(trained):  # there is nothing to average, and torch's refuses to be made
                return self.module(*inputs, **keywords)
            self._wrap_anew(trained)
        return super().forward(*inputs, **keywords)  # type: ignore[no-untyped-call]

    def register_comm_hook(self, state: object, hook: Callable[..., Any]) -> None:
        """As torch's; it stands also after the network is wrapped anew."""
        super().register_comm_hook(state, hook)
        self._comm_hook = state, hook

    def _wrap_anew(self, trained: tuple[bool, ...]) -> None:
        kept = {name: self.__dict__[name] for name in _KEPT}
        # All processes hold the same numbers: nothing has to be sent to them.
        with plainly(self.module.parameters()):
            super().__init__(self.module, **self._options | {"init_sync": False})
        self.__dict__.update(kept)
        self._wrapped_for = trained
        if self._comm_hook is not None:
            super().register_comm_hook(*self._comm_hook)


def _trained(module: nn.Module) -> tuple[bool, ...]:
    return tuple(gets_gradient(parameter) for parameter in module.parameters())
