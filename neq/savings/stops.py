"""Parameters that stand still whole: no gradient, no optimizer step, and yet the same numbers once they move again.

An optimizer passes over a parameter without a gradient. Had it got zeros instead, its rows would have been restored
after each step and its momentum when it thawed, so that nothing of those steps would be left but their count, by which
Adam and others correct their means. The count goes on here.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, Optimizer, RAdam, RMSprop, Rprop

from neq.network.gradient_stop import lift, release, stop, trained
from neq.network.optimizers import Optimizers, group_of
from neq.savings.nested import Nested

_COUNTING = (Adam, AdamW, RAdam, Adamax, Adadelta, Adagrad, RMSprop, Rprop)
"""Optimizers that treat every value alone and remember, beside tensors of the parameter's shape, its steps only."""


NOT_YET = "no step has been made with it yet"
"""The one reason that passes: ask again after a step."""


class GradientStop:
    """The parameters that are stopped, and what is owed to them.

    Args:
        parameters: those that may stop.
        optimizers: step the parameters that move.
        awaited: whether other processes, where there are any, wait for the gradient of every parameter.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], optimizers: Optimizers, *, awaited: bool = True) -> None:
        self._optimizers, self._awaited = optimizers, awaited
        self._nested = Nested(parameters)
        self._stopped: list[nn.Parameter] = []

    def why_not(self, parameter: nn.Parameter) -> str | None:
        """Why a parameter must go on getting gradients; None where it may be stopped."""
        if self._awaited and torch.distributed.is_available() and torch.distributed.is_initialized():
            return "processes train together and wait for every parameter's gradient"
        for optimizer in self._optimizers.owners(parameter) or [self._optimizers.given]:
            if type(optimizer) not in (SGD, *_COUNTING):
                return f"it is not proven that {type(optimizer).__name__} may pass over a parameter"
        if self._nested.seen:
            return "activations are checkpointed with use_reentrant=True, which needs inputs that require gradients"
        return NOT_YET if self._is_new(parameter) else None

    def _is_new(self, parameter: nn.Parameter) -> bool:
        """Whether no backward pass has reached it, or the optimizer has still to make up its state."""
        if not self._nested.has_looked_at(parameter):
            return True
        return any(
            not optimizer.state.get(parameter) and _remembers(optimizer, parameter)
            for optimizer in self._optimizers.owners(parameter)
        )

    def stop(self, parameter: nn.Parameter) -> None:
        """From now on it requires no gradient."""
        stop(parameter)
        self._stopped.append(parameter)

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """They require gradients meanwhile, which are thrown away at the end."""
        try:
            for parameter in self._stopped:
                lift(parameter, trained(parameter))
            yield
        finally:
            for parameter in self._stopped:
                lift(parameter, False)
                parameter.grad = None

    def release(self) -> None:
        """All of them require a gradient again, unless their owner has decided otherwise meanwhile."""
        for parameter in self._stopped:
            release(parameter)
        self._stopped.clear()

    def close(self) -> None:
        """Releases them for good."""
        self.release()
        self._nested.close()

    def count_step(self, optimizer: Optimizer) -> None:
        """An optimizer made a step: counts it for those that it passed over."""
        steps = [state["step"] for p in self._stopped if "step" in (state := optimizer.state.get(p, {}))]
        if not steps:
            return
        torch._foreach_add_(steps, 1)
        skipped = getattr(optimizer, "found_inf", None)  # a fused step that did not happen, for AMP's scaler
        if skipped is not None:
            torch._foreach_sub_(steps, [skipped.to(step.device).reshape(()) for step in steps])


def _remembers(optimizer: Optimizer, parameter: nn.Parameter) -> bool:
    group = group_of(optimizer, parameter)
    return type(optimizer) is not SGD or (group is not None and group["momentum"] != 0)
