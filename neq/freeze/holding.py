"""Frozen rows of all layers, each parameter's in the way that suits where it lies.

On a CPU an index writes the frozen rows alone (`held`). Elsewhere a kernel costs more than what it writes, and an index
a wait: masks hold many parameters at once (`held_together`), large ones alone (`held_on_device`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from neq.freeze.held import HeldRows
from neq.freeze.held import nbytes_at_most as indexed_nbytes
from neq.freeze.held_on_device import FrozenRows, HeldAlone, HeldOnDevice, alone_nbytes
from neq.freeze.held_together import HeldTogether, may_be_together, together_nbytes
from neq.freeze.savings_door import LeavesZeros
from neq.network.gradient_stop import gets_gradient, is_plain
from neq.network.layers import WatchedLayer
from neq.network.optimizers import Optimizers


def by_index(parameter: nn.Parameter) -> bool:
    """Whether rows of a parameter are held by an index: on a CPU, and where it is sharded or otherwise no plain one."""
    return parameter.device.type == "cpu" or not is_plain(parameter)


def nbytes_at_most(layer: WatchedLayer, parameter: nn.Parameter) -> int:
    """The memory that a parameter's rows take once all are held, with masks or indices of where they belong."""
    if by_index(parameter):
        return indexed_nbytes(layer, parameter)
    return together_nbytes(parameter) if may_be_together(parameter) else alone_nbytes(layer, parameter)


class Holding:
    """What is held from one change of the masks to the next: `add` what is frozen, `note` it, and `begin`.

    Args:
        optimizers: those that step.
        model_may_follow: it is taken from a state that was loaded, and the model's own may be loaded after it: what
            changes it before the first step is none of its moves.
        captured: gathers the groups that a CUDA graph was captured with. The graph reads their masks and values for as
            long as it is replayed, and torch would give their memory to other tensors once they are gone. They cost
            what the groups held, for every change of the masks after a capture.
    """

    def __init__(
        self,
        optimizers: Optimizers,
        *,
        model_may_follow: bool = False,
        captured: list[HeldOnDevice] | None = None,
    ) -> None:
        self.model_may_follow = model_may_follow
        self._captured = [] if captured is None else captured
        self._optimizers = optimizers
        self._rows: list[HeldRows] = []
        self._frozen: list[FrozenRows] = []
        self._groups: list[HeldOnDevice] = []
        self._noted: dict[tuple[int, int], None] = {}
        self._moved_before: list[tuple[FrozenRows, Tensor, int]] = []
        self._hooks: list[RemovableHandle] = []
        self._hooks_of_groups: list[RemovableHandle] = []
        self._backward_pass: int | None = None
        self._at_once = False

    def __bool__(self) -> bool:
        """Whether anything is held."""
        return bool(self._rows or self._frozen)

    @property
    def parameters(self) -> Iterator[nn.Parameter]:
        """Those with a row that is held."""
        yield from (held.parameter for held in self._rows)
        yield from (one.parameter for one in self._frozen)

    @property
    def nbytes(self) -> int:
        """The memory that it takes, values and masks or indices, on the parameters' devices."""
        return sum(held.nbytes for held in self._rows) + sum(group.nbytes for group in self._groups)

    def add(self, layer: WatchedLayer, parameter: nn.Parameter, neurons: Tensor) -> None:
        """Adds rows, at the values that they have now; `note` is called after the last.

        Args:
            neurons: numbers of the frozen ones, int64.
        """
        if not by_index(parameter):
            self._frozen.append(FrozenRows(parameter, layer, neurons.cpu()))
            return
        self._rows.append(HeldRows(parameter, layer, neurons, model_may_follow=self.model_may_follow))

    @torch.no_grad()
    def note(self) -> None:
        """Takes what memory the holding of what was added takes, and touches nothing of the model's."""
        self._groups = _grouped(self._frozen, self.model_may_follow)

    @torch.no_grad()
    def begin(self, saving_of: Callable[[str], LeavesZeros | None]) -> None:
        """Holds what was added; gradients that are there say nothing of it.

        Args:
            saving_of: what a layer, by name, leaves out by itself; None: nothing.
        """
        for held in self._rows:
            held.saving = saving_of(held.layer.name)
            if gets_gradient(held.parameter):
                self._hooks.append(held.parameter.register_post_accumulate_grad_hook(held.zero_gradient))
            held.clear_gradient()
        self._listen()
        for group in self._groups:
            group.zero_together(range(len(group.frozen)))

    def release(self) -> None:
        """Holds nothing any more."""
        self._zero_noted()
        self._keep_captured()
        for hook in (*self._hooks, *self._hooks_of_groups):
            hook.remove()
        for kept in (self._rows, self._frozen, self._groups, self._moved_before, self._hooks, self._hooks_of_groups):
            kept.clear()

    def _keep_captured(self) -> None:
        self._captured.extend(group for group in self._groups if group.captured)

    def _listen(self) -> None:
        """Hears of gradients of parameters that are held by masks."""
        for hook in self._hooks_of_groups:
            hook.remove()
        self._hooks_of_groups = [
            parameter.register_post_accumulate_grad_hook(partial(self._arrived, place, number))
            for place, group in enumerate(self._groups)
            for number, parameter in enumerate(group.parameters)
            if gets_gradient(parameter)
        ]

    def _arrived(self, place: int, number: int, parameter: Tensor) -> None:
        """A gradient was summed. Large ones are zeroed at once, the others at the end of the backward pass.

        A pass that ends in an error calls nothing back, and one may run within another: so each is known by its number.
        """
        current = torch._C._current_graph_task_id()
        if current != self._backward_pass:
            self._backward_pass = current
            self._at_once = self._optimizers.within_backward or _trains_together()
            if not self._at_once:
                torch.autograd.Variable._execution_engine.queue_callback(self._zero_noted)
        group = self._groups[place]
        group.notice_capture()
        gradient = parameter.grad
        if self._at_once or isinstance(group, HeldAlone) or (gradient is not None and gradient.requires_grad):
            group.zero(number)
        else:
            self._noted[place, number] = None

    @torch.no_grad()
    def _zero_noted(self) -> None:
        if not self._noted:
            return
        noted, self._noted = self._noted, {}
        by_group = defaultdict(list)
        for place, number in noted:
            by_group[place].append(number)
        for place, numbers in by_group.items():
            self._groups[place].zero_together(numbers)

    def take(self) -> None:
        """Looks before a step at what they are, and sees to gradients that no backward pass's end has seen to."""
        for held in self._rows:
            held.take()
        if self._groups:
            self._zero_noted()
            self._follow()
            for group in self._groups:
                group.take()

    def restore(self) -> None:
        """Undoes a step."""
        for held in self._rows:
            held.restore()
        if self._groups:
            self._follow()
            for group in self._groups:
                group.restore()

    def undo(self) -> None:
        """Undoes a step that began and never ended, unless every parameter was written to since it began: then a state
        may have been loaded after it, which stays and is told."""
        self._follow()
        if any(one.is_unwritten for one in self._rows) or any(one.is_any_unwritten() for one in self._groups):
            for held in self._rows:
                held.undo()
            for group in self._groups:
                group.undo()

    def _follow(self) -> None:
        """Groups the parameters anew where the model was moved to another device, type or layout."""
        if all(group.fits() for group in self._groups):
            return
        former = self._groups
        self._keep_captured()
        self._moved_before.extend(found for group in former for found in group.moved())
        self._zero_noted()
        held = {one: group.values(number) for group in former for number, one in enumerate(group.frozen)}
        self._groups = _grouped(self._frozen, self.model_may_follow, held)
        for group in self._groups:
            group.steps = former[0].steps
            group.notice()
        self._listen()

    def moved(self) -> Iterator[tuple[WatchedLayer, Tensor, int]]:
        """What something else than an optimizer's step has changed: layer, its neurons (int64), and in how many steps'
        time, from the first step on, they were changed by more than rounding."""
        for held in self._rows:
            held.notice()
            if bool(held.moved.any()):
                yield held.layer, held.neurons[held.moved].cpu(), held.times
        self._follow()
        for one, neurons, times in (*self._moved_before, *self._moved_of_groups()):
            yield one.layer, neurons, times

    def _moved_of_groups(self) -> Iterator[tuple[FrozenRows, Tensor, int]]:
        """Waits once a device, and for every group in which there is something to tell."""
        by_device = defaultdict(list)
        for group in self._groups:
            group.notice()
            by_device[group.parameters[0].device].append(group)
        for groups in by_device.values():
            told = torch.stack([group.has_moved() for group in groups]).tolist()
            for group, has_moved in zip(groups, told, strict=True):
                yield from group.moved() if has_moved else ()

    def write_into(self, tensor_of: Callable[[nn.Parameter], Tensor | None]) -> None:
        """Writes the held rows into the same rows of further tensors of the parameters' shapes, where there are any."""
        for held in self._rows:
            if (tensor := tensor_of(held.parameter)) is not None:
                held.write_into(tensor)
        for group in self._groups:
            found = {number: tensor_of(parameter) for number, parameter in enumerate(group.parameters)}
            group.write_into({number: tensor for number, tensor in found.items() if tensor is not None})


def _grouped(
    frozen: list[FrozenRows], model_may_follow: bool, values: Mapping[FrozenRows, Tensor] | None = None
) -> list[HeldOnDevice]:
    """Small parameters of one device and type together, but none twice, and every other alone."""
    together: dict[tuple[torch.device, torch.dtype, int], list[FrozenRows]] = defaultdict(list)
    alone, times_seen = [], defaultdict[int, int](int)
    for one in frozen:
        parameter = one.parameter
        if may_be_together(parameter):
            together[parameter.device, parameter.dtype, times_seen[id(parameter)]].append(one)
            times_seen[id(parameter)] += 1
        else:
            alone.append(one)

    def kept(one: FrozenRows) -> Tensor:
        return one.parameter if values is None else values[one]

    return [
        *(
            HeldTogether(own, model_may_follow=model_may_follow, values=[kept(one) for one in own])
            for own in together.values()
        ),
        *(HeldAlone(one, model_may_follow=model_may_follow, values=kept(one)) for one in alone),
    ]


def _trains_together() -> bool:
    """Whether processes train together: gradients are sent to the others as they arrive."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()
