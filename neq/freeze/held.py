"""The rows of one parameter that must not move, and what becomes of them."""

import torch
from torch import Tensor, nn

from neq.freeze.savings_door import LeavesZeros
from neq.network.layers import WatchedLayer

NEGLIGIBLE = 1e-6
"""A change below this fraction of the rows' norm is rounding: a projection applied once more, for one."""


def nbytes_at_most(layer: WatchedLayer, parameter: nn.Parameter) -> int:
    """The memory that a parameter's rows take once all are held: their values, and the places where they belong."""
    return parameter.nbytes + sum(index.nbytes for index in layer.place(torch.arange(layer.neurons), parameter))


class HeldRows:
    """Frozen rows, from one change of the masks to the next.

    An optimizer's step does not move them: what they are before it is written back after it. What anybody else writes
    into them, their owner's own code above all, is kept and noticed.

    Args:
        model_may_follow: they were taken from a state that was loaded, and the model's own may be loaded after it:
            what changes them before the first step is none of their moves.

    Attributes:
        saving: may leave their gradients zero by itself; None: it does not.
        moved: bool, one value a held neuron, whether something else than an optimizer's step has changed its rows.
        times: in how many steps' time, from the first step on, they were changed by more than rounding.
    """

    def __init__(
        self,
        parameter: nn.Parameter,
        layer: WatchedLayer,
        neurons: Tensor,
        *,
        model_may_follow: bool = False,
    ) -> None:
        self.parameter, self.layer, self.neurons = parameter, layer, neurons
        self.saving: LeavesZeros | None = None
        self._place = self._found()
        self._values = self._rows()
        self._whole = neurons.numel() == layer.neurons
        self._seen = self._mark()
        self._zeros: dict[tuple[torch.device, torch.dtype], Tensor] = {}
        self._steps = self._writes = 0
        self._model_may_follow = model_may_follow
        self.moved = torch.zeros(neurons.numel(), dtype=torch.bool)
        self.times = 0

    @property
    def place(self) -> tuple[Tensor, ...]:
        """What to index `layer.rows(…)` with, to reach them."""
        if self._place[0].device != self.parameter.device:  # the model was moved
            self._place = self._found()
        return self._place

    def _found(self) -> tuple[Tensor, ...]:
        device = self.parameter.device
        self._on_cpu = device.type == "cpu"
        return self.layer.place(self.neurons.to(device), self.parameter)

    @property
    def nbytes(self) -> int:
        """The memory that they take, and the places where they belong."""
        return self._values.nbytes + sum(index.nbytes for index in self._place)

    def _rows(self) -> Tensor:
        return self.layer.rows(self.parameter.data)[self.place]

    def _mark(self) -> tuple[int, int]:
        return self.parameter._version, self.parameter.data_ptr()

    def take(self) -> None:
        """Looks before a step at what they are."""
        if self._may_have_changed():
            self.notice()
        self._steps += 1

    def _may_have_changed(self) -> bool:
        """Torch counts the writes to a tensor, but not those through `.data`, for which values are compared. That costs
        time on a GPU and for parameters that no step touches, where it is done before the steps 0, 1, 2, 4, 8, …: what
        writes in every step is seen more than once."""
        if self.parameter.device.type == "cpu" and not self._is_passed_over():
            return True
        return self._steps & (self._steps - 1) == 0 or self._mark() != self._seen

    def _is_passed_over(self) -> bool:
        return self._whole and self.parameter.grad is None

    def notice(self) -> None:
        """Takes over what they are now."""
        self._seen = self._mark()
        now, before = self._rows(), self._values
        if now.dtype != before.dtype or now.device != before.device:  # the model was moved
            before = before.to(now)
            self._values = before
        if torch.equal(now, before):
            return
        self._values = now
        if self._steps or not self._model_may_follow:
            differs = ((now != before) & ~(now.isnan() & before.isnan())).reshape(len(now), -1).any(dim=1).cpu()
            self.moved |= differs
            change, size = (now - before).float().norm(), before.float().norm()
            self.times += int(bool(self._steps) and bool(differs.any()) and not bool(change <= NEGLIGIBLE * size))

    @property
    def is_unwritten(self) -> bool:
        """Whether torch counted no write to the parameter since the step began."""
        return self._mark() == self._seen

    def undo(self) -> None:
        """Undoes a step that began and never ended. Where more was written than a whole step writes the owner has gone
        on with the parameter: theirs stays, and is noticed."""
        writes, place = self._mark()
        if place == self._seen[1] and (not self._writes or writes - self._seen[0] <= self._writes):
            self.layer.rows(self.parameter.data)[self.place] = self._values
            self._seen = self._mark()

    def restore(self) -> None:
        """Undoes a step."""
        self._writes = self.parameter._version - self._seen[0]
        if not self._is_passed_over() or self._mark() != self._seen:
            self.layer.rows(self.parameter.data)[self.place] = self._values
        self._seen = self._mark()

    def write_into(self, tensor: Tensor) -> None:
        """Writes them into the same rows of a tensor of the parameter's shape."""
        self.layer.rows(tensor)[self.place] = self._values.to(tensor)

    def clear_gradient(self) -> None:
        """The gradient that is there says nothing of them."""
        if self.parameter.grad is not None and not self.parameter.grad.is_sparse:
            gradient, place = self.layer.rows(self.parameter.grad), self.place
            gradient[place] = 0 if self._on_cpu else self._zero(gradient)

    def _zero(self, gradient: Tensor) -> Tensor:
        """A zero on the device: a number would be sent from the host, which waits for it."""
        zero = self._zeros.get((gradient.device, gradient.dtype))
        if zero is None:
            zero = self._zeros[gradient.device, gradient.dtype] = gradient.detach().new_zeros(())
        return zero

    def zero_gradient(self, parameter: Tensor) -> None:
        """A gradient just arrived."""
        if self.saving is None or not self.saving.leaves_zeros(parameter, self._frozen_gradient):
            self.clear_gradient()

    def _frozen_gradient(self) -> Tensor:
        if self.parameter.grad is None:
            return self._values.new_zeros(())
        return self.layer.rows(self.parameter.grad)[self.place]
