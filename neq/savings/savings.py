"""Turns frozen neurons into saved time and memory: a plan for every layer, made anew when the masks change."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor
from torch.optim import Optimizer

from neq.device.free_memory import is_out_of_memory
from neq.freeze.plan import LayerPlan
from neq.network.gradient_stop import gets_gradient
from neq.network.layers import WatchedLayer
from neq.network.optimizers import Optimizers
from neq.options import SavingsMode
from neq.savings.choice import NO_MEMORY, GradientMethod
from neq.savings.compiled import Recompiles
from neq.savings.gradients import Rows
from neq.savings.layer import SavingLayer
from neq.savings.measuring import Measuring
from neq.savings.patch import patch, with_zeros, without_gradient
from neq.savings.refusal import keeps_input, why_no_rows, why_no_zeros, why_not_at_all
from neq.savings.stops import NOT_YET, GradientStop

_COMPILED = "the network is compiled: another plan means a recompile, which is done for few whole layers only"


class Savings:
    """Makes the backward pass leave out what frozen neurons do not need.

    It changes no number: gradients of the neurons that move, the optimizer's state when a neuron thaws, and with them
    the losses are the same to the bit on one CPU thread.

    Args:
        layers: the watched ones.
        optimizer: steps their parameters, or all that do.
        mode: see `SavingsMode`.
        awaited: whether other processes, where there are any, wait for the gradient of every parameter.
    """

    def __init__(
        self,
        layers: Sequence[WatchedLayer],
        optimizer: Optimizer | Optimizers,
        mode: SavingsMode = True,
        *,
        awaited: bool = True,
    ) -> None:
        if mode not in (True, False, "rows", "transposed", "dense"):
            raise ValueError(f"savings is {mode!r}; choose True, False, 'rows', 'transposed' or 'dense'")
        self._layers = {layer.name: layer for layer in layers}
        optimizers = optimizer if isinstance(optimizer, Optimizers) else Optimizers({}, optimizer)
        self._optimizers, self._mode = optimizers, mode
        self._force: GradientMethod | None = None if isinstance(mode, bool) else mode
        parameters = (parameter for layer in layers for parameter in layer.parameters())
        self._stops = GradientStop(parameters, optimizers, awaited=awaited)
        self._saving: dict[str, SavingLayer] = {}
        self._measuring = Measuring(self._force)
        self._unsettled: set[str] = set()
        self._not_yet: dict[str, Tensor] = {}
        self._recompiles = Recompiles()
        self._compiled = False
        self._compiled_for: frozenset[str] = frozenset()
        self._captured: list[Rows] = []

    def change(self, masks: Mapping[str, Tensor]) -> None:
        """Makes new plans.

        Args:
            masks: bool, one value a neuron, true is frozen, by layer name; a layer left out moves whole.
        """
        self.release()
        self._measuring = Measuring(self._force)
        self._compiled = self._mode is not False and self._recompiles.happened()
        if self._compiled:
            whole = frozenset(name for name, mask in masks.items() if bool(mask.all()))
            self._compiled_for = self._recompiles.nearest(whole)
        for name, mask in masks.items():
            if bool(mask.any()):
                self._saving[name] = self._planned(self._layers[name], mask.cpu())
        self._unsettled = {name for name, saving in self._saving.items() if saving.plan.kind == "undecided"}

    def _planned(self, layer: WatchedLayer, mask: Tensor) -> SavingLayer:
        active = int((~mask).sum())
        dense = LayerPlan("dense", layer.neurons, active, layer.neurons, "savings are off")
        refused = why_not_at_all(layer, self._optimizers)
        if self._mode is False or refused is not None:
            return SavingLayer(layer, mask, dense if refused is None else dense.replaced(reason=refused))
        if self._compiled and layer.name not in self._compiled_for:
            return SavingLayer(layer, mask, dense.replaced(reason=_COMPILED))
        if active == 0:
            return self._whole(layer, mask, dense)
        refused = why_no_rows(layer)
        if refused is not None:
            return SavingLayer(layer, mask, dense.replaced(reason=refused))
        reason = "the next backward pass measures whether computing some rows alone pays"
        saving = SavingLayer(layer, mask, dense.replaced(kind="undecided", reason=reason), self._force, self._measuring)
        try:
            saving.measure()
        except (RuntimeError, MemoryError) as error:  # what is held is held all the same
            if not is_out_of_memory(error):
                raise
            return SavingLayer(layer, mask, dense.replaced(reason=NO_MEMORY.reason))
        return saving

    def _whole(self, layer: WatchedLayer, mask: Tensor, dense: LayerPlan) -> SavingLayer:
        moving = [parameter for parameter in layer.parameters() if gets_gradient(parameter)]
        refused = next((why for parameter in moving if (why := self._stops.why_not(parameter))), None)
        if refused == NOT_YET and layer.always_frozen:
            refused = (
                None  # it never moves again: no state of the optimizer's is missed, and the first step is the peak
            )
        if refused == NOT_YET:
            self._not_yet[layer.name] = mask
        if refused is None:
            plan = dense.replaced(kind="stopped", computed=0, reason="all its neurons are frozen")
            for module in () if self._compiled else filter(keeps_input, layer.modules):
                patch(module, without_gradient)
            for parameter in moving:
                self._stops.stop(parameter)
        elif (unable := _COMPILED if self._compiled else why_no_zeros(layer)) is None:
            plan = dense.replaced(kind="zeros", computed=0, reason=refused)
            for module in layer.modules:
                patch(module, with_zeros(layer.name))
        else:
            plan = dense.replaced(reason=f"{refused}; {unable}")
        return SavingLayer(layer, mask, plan)

    def release(self) -> None:
        """Every module and parameter is as it was found. What a CUDA graph was captured with stays where it is."""
        for saving in self._saving.values():
            saving.release()
            if saving.captured is not None:
                self._captured.append(saving.captured)
        self._stops.release()
        self._saving.clear()
        self._unsettled.clear()
        self._not_yet.clear()

    def close(self) -> None:
        """Releases everything for good."""
        self.release()
        self._stops.close()

    def of(self, name: str) -> SavingLayer:
        """The layer of that name, some of whose neurons are frozen."""
        return self._saving[name]

    @contextmanager
    def lifted(self) -> Iterator[bool]:
        """Everything is computed in a forward and a backward pass meanwhile, and no number changes: gradients of what
        is stopped are thrown away, other frozen rows zeroed. Says whether so, see `_can_lift`."""
        if not self._can_lift():
            yield False
            return
        with ExitStack() as stack:
            for saving in self._saving.values():
                stack.enter_context(saving.lifted())
            stack.enter_context(self._stops.lifted())
            yield True

    def _can_lift(self) -> bool:
        """Where something is left out, and leaving it in gives the same bits: not where rows alone may be rounded in
        another way, as with several threads or on a GPU; not in a compiled network, which would be recompiled; and
        not where processes train together, for each of them must do the same, or a CUDA graph is captured."""
        kinds = {saving.plan.kind for saving in self._saving.values()}
        if self._compiled or self._recompiles.happened() or not kinds & {"rows", "zeros", "stopped"}:
            return False
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return False
        if _capturing():
            return False
        on_cpu = all(p.device.type == "cpu" for layer in self._layers.values() for p in layer.parameters())
        return "rows" not in kinds or (on_cpu and torch.get_num_threads() == 1)

    def after_step(self, optimizer: Optimizer | None = None) -> None:
        """An optimizer made a step; None: the one that was given first."""
        self._stops.count_step(optimizer or self._optimizers.given)
        self._plan_again()
        if self._unsettled and not _capturing():
            for name, choice in self._measuring.settle().items():
                self._saving[name].decide(choice)
        for name in list(self._unsettled):  # not earlier: a checkpointed pass must run again as it first ran
            saving = self._saving[name]
            if saving.plan.kind != "undecided":
                self._unsettled.remove(name)
                if saving.plan.kind == "dense":
                    saving.release()

    def _plan_again(self) -> None:
        """Stops what could not be stopped before its first step."""
        waiting, self._not_yet = self._not_yet, {}
        for name, mask in waiting.items():
            self._saving[name].release()
            self._saving[name] = self._planned(self._layers[name], mask)

    def plans(self) -> dict[str, LayerPlan]:
        """What the backward pass does about every layer now, in forward order."""
        return {name: self._plan(name, layer) for name, layer in self._layers.items()}

    def _plan(self, name: str, layer: WatchedLayer) -> LayerPlan:
        if name in self._saving:
            return self._saving[name].plan
        neurons = layer.neurons
        reason = "nothing is frozen" if layer.held_open is None else layer.held_open
        return LayerPlan("untouched", neurons, neurons, neurons, reason)


def _capturing() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()
