"""One layer from one change of the masks to the next: what its backward pass computes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from neq.device.blocks import rows_together
from neq.device.free_memory import is_out_of_memory
from neq.freeze.plan import LayerPlan
from neq.network.layers import WatchedLayer
from neq.savings.by_function import replace_call, restore_call
from neq.savings.choice import NO_MEMORY, GradientMethod, MethodChoice, WeightGradientTask, choose
from neq.savings.gradients import Geometry, Rows, of_rows, transposed, whole
from neq.savings.measuring import Measuring
from neq.savings.patch import Forward, lift, patch, unpatch, with_own_gradient

_TRIES = 16
"""Backward passes with gradients that are not finite, after which no other is tried: a scaler of float16 halves its
scale so often at most before they are."""


class SavingLayer:
    """A layer with some frozen neurons, or with all.

    Args:
        mask: bool on the CPU, one value a neuron, true is frozen.
        plan: what is done at first.
        force: a choice made without measuring.
        measuring: tries it, together with others, where its device computes while the host goes on; None: alone.

    Attributes:
        captured: the rows that a CUDA graph reads, at the place where they are, for as long as it is replayed.
    """

    def __init__(
        self,
        layer: WatchedLayer,
        mask: Tensor,
        plan: LayerPlan,
        force: GradientMethod | None = None,
        measuring: Measuring | None = None,
    ) -> None:
        self.plan = plan
        self._layer, self._mask, self._force = layer, mask, force
        self._measuring = measuring or Measuring(force)
        self.captured: Rows | None = None
        self._rows: Rows | None = None
        self._there: Rows | None = None
        self._tries = 0
        self._way = of_rows
        self._checked: set[int] = set()
        self._lifted = False

    def measure(self) -> None:
        """Lets the next backward pass decide whether rows alone pay."""
        caller: Any = self._layer.caller
        device = next(self._layer.parameters()).device
        if device.type != "cpu":  # now, for a step should not wait for it
            self._there = Rows.of(self._mask, rows_together(device)).to(device)
        if self._layer.by_function:
            replace_call(caller, self._layer.module.weight, self)  # type: ignore[arg-type]
            return
        compute = with_own_gradient(self) if device.type == "cpu" else self._noted(with_own_gradient(self))
        for module in self._layer.modules:
            patch(module, compute)

    def _noted(self, compute: Forward) -> Forward:
        """The same, and a step that is measured begins with the first layer that has no plan."""

        def forward(module: Any, inputs: Tensor) -> Any:
            if self.plan.kind == "undecided" and inputs.device.type != "cpu" and not _captured(inputs):
                self._measuring.begin(inputs.device)
            return compute(module, inputs)

        return forward

    def release(self) -> None:
        """The modules run their own code again."""
        if self._layer.caller is not None:
            restore_call(self._layer.caller, self._layer.module.weight)  # type: ignore[arg-type]
        for module in self._layer.modules:
            unpatch(module)

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """The modules run their own code meanwhile, and the frozen rows of what they give are zeroed."""
        patched = [*self._layer.modules, *([] if self._layer.caller is None else [self._layer.caller])]
        with ExitStack() as stack:
            for module in patched:
                stack.callback(lift(module))
            self._lifted = True
            stack.callback(setattr, self, "_lifted", False)
            yield

    def differentiated_again(self) -> None:
        """As `functions.WeightGradients` has it. Frozen rows of what comes of it are not 0, so they are zeroed from now
        on, and all rows computed."""
        self._compute_all("its gradient is differentiated once more (create_graph=True)")

    def _compute_all(self, reason: str) -> None:
        self._rows = None
        self.plan = self.plan.replaced(kind="dense", computed=self.plan.neurons, reason=reason)

    def __call__(
        self, inputs: Tensor | None, gradient: Tensor, weight: nn.Parameter, bias: nn.Parameter | None, *, entire: bool
    ) -> tuple[Tensor, ...]:
        """The gradients of weight and bias, as `functions.WeightGradients` has it; frozen rows may not be 0 yet."""
        geometry = Geometry.of(self._layer.module)
        if inputs is None or geometry is None:
            raise RuntimeError(f"{self._layer.name!r} kept no input to compute its weight gradient from")
        like = weight.detach() if weight.dtype == gradient.dtype else torch.empty_like(weight, dtype=gradient.dtype)
        if entire:
            return whole(geometry, inputs, gradient, like, bias=bias is not None)
        if self.plan.kind == "undecided" and not _captured(gradient):
            self._look(WeightGradientTask(geometry, inputs, gradient, like, bias is not None, self._mask, self._there))
        if self._rows is None:
            return whole(geometry, inputs, gradient, like, bias=bias is not None)
        if _captured(gradient):
            self.captured = self._rows
        return self._way(geometry, inputs, gradient, like, self._rows, bias=bias is not None)

    def _look(self, task: WeightGradientTask) -> None:
        """A CPU decides at once, other devices when the step is over."""
        if task.gradient.device.type != "cpu":
            self._there = task.rows()
            self._measuring.look(self._layer.name, task)
            return
        try:
            choice = choose(task, self._force)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            choice = NO_MEMORY
        self.decide(choice, task.rows() if choice.way != "dense" else None)

    def decide(self, choice: MethodChoice, rows: Rows | None = None) -> None:
        """Follows a choice, where nothing else has decided meanwhile.

        Args:
            rows: the mask's; None: as on its device.
        """
        if self.plan.kind != "undecided":
            return
        self._tries += not choice.final
        self._rows = None if choice.way == "dense" else rows or self._there
        self._way = transposed if choice.way == "transposed" else of_rows
        self.plan = self._planned(choice)
        if not choice.final and self._tries < _TRIES:
            self.plan = self.plan.replaced(kind="undecided")

    def _planned(self, choice: MethodChoice) -> LayerPlan:
        computed = self.plan.neurons
        if self._rows is not None:
            computed = (self._rows.active if choice.way == "transposed" else self._rows.computed).numel()
        return self.plan.replaced(
            kind="dense" if self._rows is None else "rows",
            computed=computed,
            reason=choice.reason,
            dense_ms=choice.dense_ms,
            rows_ms=choice.rows_ms,
        )

    def leaves_zeros(self, parameter: Tensor, frozen: Callable[[], Tensor]) -> bool:
        """Whether the frozen rows of a gradient that just arrived are zero already.

        The first time it looks: if they are not, the weight has another use beside its module, and from then on the
        whole gradient is computed and its frozen rows are zeroed.
        """
        if self._lifted or self.plan.kind not in ("rows", "zeros"):
            return False
        if id(parameter) in self._checked:
            return True
        if _captured(parameter):
            return False
        self._checked.add(id(parameter))
        if bool(frozen().any()):
            self._compute_all("its weight gets gradients from elsewhere too, not only from its module")
        return False


def _captured(tensor: Tensor) -> bool:
    """Whether this step is being written into a CUDA graph: nothing can be timed or looked at then."""
    return tensor.is_cuda and torch.cuda.is_current_stream_capturing()
