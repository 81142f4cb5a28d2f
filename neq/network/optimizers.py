"""The optimizers that move the watched parameters: the one that NEq was given, and all that are seen to.

A second optimizer may own part of the model; a new one may take the first one's place; an optimizer may run another
within its step, and a backward pass one for each parameter.
"""

import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from torch.utils.hooks import RemovableHandle

Step = Callable[[Optimizer, bool], None]
"""Told which optimizer steps, and whether that is a step of its own, not one within another optimizer's."""


class Optimizers:
    """Follows the steps of every optimizer that owns a watched parameter.

    The one that was given keeps this alive until it is closed; the others are seen through torch's hooks for all
    optimizers, which do not.

    Args:
        parameters: the watched ones, by id.
        given: the optimizer that NEq was made with.
        before, after: called around every step that may move a watched parameter; None: no step is followed.
    """

    def __init__(
        self,
        parameters: Mapping[int, nn.Parameter],
        given: Optimizer,
        before: Step | None = None,
        after: Step | None = None,
    ) -> None:
        self.given = given
        self.within_backward = False
        self._parameters, self._before, self._after = parameters, before, after
        self._others: dict[int, weakref.ref[Optimizer]] = {}
        self._stepping: list[int] = []
        self._handles: list[RemovableHandle] = []
        if before is not None and after is not None:
            self._handles = [
                given.register_step_pre_hook(lambda optimizer, args, kwargs: self._begin(optimizer)),
                given.register_step_post_hook(lambda optimizer, args, kwargs: self._end(optimizer)),
                *_for_others(weakref.ref(self)),
            ]

    def __iter__(self) -> Iterator[Optimizer]:
        """All of them, the given one first."""
        yield self.given
        yield from (other for known in self._others.values() if (other := known()) is not None)

    @property
    def others(self) -> list[Optimizer]:
        """Those that were seen to step, beside the given one."""
        return list(self)[1:]

    def is_part_of_the_given(self, optimizer: Optimizer) -> bool:
        """Whether it is the given one, wraps it, as look-ahead does, or belongs to it, as to a sharpness-aware one."""
        if self.given in (optimizer, innermost(optimizer)):
            return True
        return any(own is optimizer for own in vars(self.given).values())

    def owners(self, parameter: Tensor) -> list[Optimizer]:
        """Those that move this parameter."""
        return [optimizer for optimizer in self if group_of(optimizer, parameter) is not None]

    def close(self) -> None:
        """Follows them no longer."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def step_of_another(self, optimizer: Optimizer, *, begins: bool) -> None:
        """Any optimizer of this process steps, or has stepped; passed over unless it owns a watched parameter."""
        if optimizer is self.given or not self._owns_some(optimizer):
            return
        if begins:
            self._others.setdefault(id(optimizer), weakref.ref(optimizer, self._forget(id(optimizer))))
            self._begin(optimizer)
        else:
            self._end(optimizer)

    def _owns_some(self, optimizer: Optimizer) -> bool:
        return any(id(parameter) in self._parameters for parameter in _parameters_of(optimizer))

    def _forget(self, key: int) -> Callable[[Any], None]:
        def forget(gone: Any) -> None:
            self._others.pop(key, None)

        return forget

    def look_for_hooks(self) -> None:
        """Hooks that are called as soon as a gradient is there may make a step within the backward pass: this counts
        before the first of them does so. To be called while NEq has none of its own."""
        hooked = (getattr(parameter, "_post_accumulate_grad_hooks", None) for parameter in self._parameters.values())
        self.within_backward |= any(hooked)

    def begin_epoch(self) -> None:
        """No step is under way: one that ended in an error never said so."""
        self._stepping.clear()

    def _begin(self, optimizer: Optimizer) -> None:
        if id(optimizer) in self._stepping:  # its last step ended in an error
            self._stepping.clear()
        self._stepping.append(id(optimizer))
        self.within_backward |= torch._C._current_graph_task_id() != -1
        if self._before is not None:
            self._before(optimizer, len(self._stepping) == 1)

    def _end(self, optimizer: Optimizer) -> None:
        if id(optimizer) in self._stepping:
            del self._stepping[self._stepping.index(id(optimizer)) :]
        if self._after is not None:
            self._after(optimizer, not self._stepping)


def innermost(optimizer: Optimizer) -> Optimizer:
    """The optimizer that makes the steps, inside what Lightning, accelerate and others wrap it in."""
    while isinstance(inner := getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = inner
    return optimizer


def group_of(optimizer: Optimizer, parameter: Tensor) -> dict[str, Any] | None:
    """The parameter group that a parameter is in; None where the optimizer does not move it."""
    groups = optimizer.param_groups
    return next((group for group in groups if any(one is parameter for one in group["params"])), None)


def _parameters_of(optimizer: Optimizer) -> Iterator[Tensor]:
    return (parameter for group in optimizer.param_groups for parameter in group["params"])


def _for_others(known: "weakref.ref[Optimizers]") -> list[RemovableHandle]:
    """Hooks on every optimizer there is, gone with the one that they tell."""

    def hook(begins: bool) -> Callable[[Optimizer, Any, Any], None]:
        def tell(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
            if (optimizers := known()) is not None:
                optimizers.step_of_another(optimizer, begins=begins)

        return tell

    handles = [register_optimizer_step_pre_hook(hook(True)), register_optimizer_step_post_hook(hook(False))]
    if (optimizers := known()) is not None:
        weakref.finalize(optimizers, _remove, handles)
    return handles


def _remove(handles: list[RemovableHandle]) -> None:
    for handle in handles:
        handle.remove()
