"""Frozen neurons do not move: their weight rows and bias entries stay the same to the bit.

Any optimizer may run unchanged. Its step moves frozen rows by momentum and weight decay even where their gradient is
zero, so the rows are restored right after it, as they were right before it: what else changes them is their owner's
business, and told. Their gradients are zeroed as they arrive, so that norms taken between the backward pass and the
step count only what moves. What need not be computed at all is left to whatever stands behind `savings_door`.
"""

import copy
import gc
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from neq.freeze.held_on_device import HeldOnDevice
from neq.freeze.holding import Holding, nbytes_at_most
from neq.freeze.momentum import OptimizerRows
from neq.freeze.plan import LayerPlan
from neq.freeze.savings_door import MakeSavings, NoSavings
from neq.network.gradient_stop import trained
from neq.network.layers import WatchedLayer
from neq.network.optimizers import Optimizers
from neq.options import MomentumOnThaw

_alive: "weakref.WeakSet[Freezer]" = weakref.WeakSet()


class Freezer:
    """Holds the frozen neurons of a model in place, from one `apply` to the next.

    Args:
        layers: the watched ones.
        optimizer: the one that was given.
        momentum_on_thaw: what the optimizer gets back of a neuron that thaws.
        make_savings: makes what leaves out work that frozen neurons do not need.

    Attributes:
        closed: why it holds nothing any more; None while it does.
        resumed: whether a state was loaded in this epoch, which may have seen steps before.
        steps: how many steps were made since the last epoch's end, by whatever optimizer.
        steps_of_others: how many of these were not the given optimizer's.
        optimizers: all that move the layers.
        measures_only: whether it is never to hold a neuron, so that it may follow a model beside another.
    """

    def __init__(
        self,
        layers: Sequence[WatchedLayer],
        optimizer: Optimizer,
        momentum_on_thaw: MomentumOnThaw = "keep",
        make_savings: MakeSavings = NoSavings,
    ) -> None:
        self.closed: str | None = None
        self.resumed = self.measures_only = False
        self.steps = self.steps_of_others = 0
        self._layers = {layer.name: layer for layer in layers}
        self._parameters = {layer.name: tuple(layer.parameters()) for layer in layers}
        watched = {id(parameter): parameter for own in self._parameters.values() for parameter in own}
        self.optimizers = Optimizers(watched, optimizer, self._before_step, self._after_step)
        self.optimizers.look_for_hooks()
        self._savings = make_savings(layers, self.optimizers)
        self._captured: list[HeldOnDevice] = []
        self._holding = Holding(self.optimizers, captured=self._captured)
        self._moved_earlier: dict[str, tuple[Tensor, int]] = {}
        self._state: dict[str, Any] | None = None
        self._stepping = False
        self._rows = OptimizerRows(layers, self.optimizers, momentum_on_thaw)
        _alive.add(self)

    def apply(self, masks: Mapping[str, Tensor]) -> None:
        """Freezes exactly these neurons, at the values that they have now; all others move again.

        Args:
            masks: bool, one value a neuron, by layer name; a layer left out moves whole.
        """
        self.prepare(masks)()

    def prepare(self, masks: Mapping[str, Tensor]) -> Callable[[], None]:
        """Makes `apply` ready and returns what does it. Memory may run out here: then all is held as it was before."""
        self._undo_interrupted_step()
        exchange = self._rows.change(masks)
        return partial(self._apply, masks, self._noted(masks), exchange)

    def _noted(self, masks: Mapping[str, Tensor]) -> Holding:
        noted = Holding(self.optimizers, model_may_follow=self.resumed, captured=self._captured)
        for name, mask in masks.items():
            neurons = mask.nonzero().flatten()
            if neurons.numel():
                for parameter in self._parameters[name]:
                    noted.add(self._layers[name], parameter, neurons)
        noted.note()
        return noted

    def _apply(self, masks: Mapping[str, Tensor], noted: Holding, exchange: Callable[[], None] | None = None) -> None:
        if exchange is not None:
            exchange()
        self._holding.release()
        self._holding = noted
        self._savings.change(masks)
        self._holding.begin(self._savings.of)
        self._rows.pin(self._holding)

    def begin_epoch(self) -> None:
        """Counts steps anew."""
        self.steps = self.steps_of_others = 0
        self.resumed = False
        self._moved_earlier = {}
        self.optimizers.begin_epoch()

    def replaced(self) -> dict[str, list[str]]:
        """Parameters that are other objects than those that were watched, by layer; none where all is well."""
        found = {}
        for name, layer in self._layers.items():
            now = {id(parameter) for parameter in layer.parameters()}
            if now != {id(parameter) for parameter in self._parameters[name]}:
                found[name] = [own for own, one in layer.module.named_parameters() if id(one) in now]
        return found

    @torch.no_grad()
    def moved(self) -> dict[str, tuple[Tensor, int]]:
        """Frozen neurons that something else than an optimizer's step has moved since they were frozen.

        Where a state was loaded in that epoch, what moved before a step does not count: the model's own may have been
        loaded after it.

        Returns:
            bool, one value a neuron of the layer, and between how many steps, by layer name; layers that kept still are
            left out.
        """
        self._undo_interrupted_step()
        found = dict(self._moved_earlier)
        for layer, neurons, times in self._holding.moved():
            earlier, before = found.get(layer.name, (torch.zeros(layer.neurons, dtype=torch.bool), 0))
            found[layer.name] = earlier.index_fill(0, neurons, True), max(before, times)
        return found

    @property
    def held_nbytes(self) -> int:
        """The memory that the values of frozen neurons take, with masks or indices of where they belong."""
        return self._holding.nbytes

    @property
    def rows_nbytes(self) -> int:
        """The memory that what is kept of the optimizer takes."""
        return self._rows.nbytes

    @property
    def nbytes_at_most(self) -> int:
        """What both can come to."""
        if self.measures_only:
            return 0
        every = [(layer, parameter) for name, layer in self._layers.items() for parameter in self._parameters[name]]
        return sum(nbytes_at_most(layer, parameter) for layer, parameter in every) + self._rows.nbytes_at_most

    @property
    def holds(self) -> bool:
        """Whether any neuron is frozen now."""
        return bool(self._holding)

    def holds_some_of(self, parameters: Set[int]) -> bool:
        """Whether any row of one of these, by id, is held now."""
        return any(id(parameter) in parameters for parameter in self._holding.parameters)

    def may_hold(self, parameters: Set[int]) -> bool:
        """Whether it watches one of these, by id, to hold it."""
        if self.measures_only:
            return False
        return any(id(parameter) in parameters for own in self._parameters.values() for parameter in own)

    @property
    def layers(self) -> int:
        """How many layers it may hold."""
        return len(self._layers)

    def unowned(self) -> list[str]:
        """Layers with parameters that want a gradient, of which no optimizer seen so far moves any."""
        owned = {
            id(parameter) for one in self.optimizers for group in one.param_groups for parameter in group["params"]
        }
        wanting = {
            name: [parameter for parameter in own if trained(parameter)] for name, own in self._parameters.items()
        }
        return [name for name, own in wanting.items() if own and not any(id(one) in owned for one in own)]

    def close(self, reason: str = "it was closed", *, keeping_state: bool = False) -> None:
        """Lets every neuron move and leaves the optimizers.

        Args:
            keeping_state: another one may go on from here; costs a copy of what is kept of the optimizers.
        """
        if self.closed is None:
            self._moved_earlier = self.moved()
            self._state = self.state_dict() if keeping_state else None
            self.apply({})
            self._savings.close()
            self.optimizers.close()
            _alive.discard(self)
            self.closed = reason

    def plans(self) -> dict[str, LayerPlan]:
        """What the backward pass does about every layer until the next `apply`."""
        return self._savings.plans()

    def lifted(self) -> AbstractContextManager[bool]:
        """As `BackwardSavings.lifted`."""
        return self._savings.lifted()

    def state_dict(self) -> dict[str, Any]:
        """What the optimizer gets again when frozen neurons thaw; copies."""
        return self._rows.state_dict() if self._state is None else copy.deepcopy(self._state)

    def load_state_dict(self, state: Mapping[str, Any], masks: Mapping[str, Tensor]) -> None:
        """Continues where `state_dict()` was taken, with the masks that were held then.

        The optimizer's own state must have been loaded. Frozen rows keep what they have at the next step, so that the
        model's may follow.
        """
        self._rows.load_state_dict(state, masks)
        self.resumed = True
        self._undo_interrupted_step()
        self._apply(masks, self._noted(masks))

    def carry_over_from(self, other: "Freezer", masks: Mapping[str, Tensor]) -> None:
        """Takes over from another that was closed, and kept its state, for these layers and others.

        Args:
            masks: what it held.
        """
        kept = other.state_dict()
        rows = {name: places for name, places in kept["kept"].items() if name in self._layers}
        self.load_state_dict({**kept, "kept": rows}, {name: one for name, one in masks.items() if name in self._layers})
        self.steps, self.steps_of_others, self.resumed = other.steps, other.steps_of_others, other.resumed
        self._moved_earlier = other.moved()

    @torch.no_grad()
    def _before_step(self, optimizer: Optimizer, on_its_own: bool) -> None:
        if not on_its_own:  # what an optimizer does to rows within its own step is undone with the step
            return
        self._undo_interrupted_step()
        self._holding.take()
        self._stepping = True

    @torch.no_grad()
    def _undo_interrupted_step(self) -> None:
        """A step that ended in an error, or by hand, told nobody of its end and left frozen rows where it was.

        Where every parameter was written to since it began, a state may have been loaded after it: that stays, and is
        told.
        """
        if self._stepping:
            self._holding.undo()
        self._stepping = False

    @torch.no_grad()
    def _after_step(self, optimizer: Optimizer, on_its_own: bool) -> None:
        self._holding.restore()
        self._rows.pin(self._holding)
        if on_its_own:
            self._stepping = False
            self.steps += 1
            self.steps_of_others += not self.optimizers.is_part_of_the_given(optimizer)
            self._rows.count_step()
        self._savings.after_step(optimizer)


def is_held(layer: WatchedLayer) -> bool:
    """Whether any neuron of it, or of one that shares a parameter with it, is frozen now, by whatever NEq."""
    own = {id(parameter) for parameter in layer.parameters()}
    return any(freezer.holds_some_of(own) for freezer in _alive)


def others_watching(layers: Iterable[WatchedLayer]) -> list[Freezer]:
    """Those that may hold neurons of these layers, whether they hold any now or not."""
    wanted = {id(parameter) for layer in layers for parameter in layer.parameters()}
    holding = [freezer for freezer in _alive if freezer.holds and freezer.may_hold(wanted)]
    if any(not freezer.holds and freezer.may_hold(wanted) for freezer in _alive):
        gc.collect()  # one that holds nothing and that nobody can reach any more is no other
    return holding + [freezer for freezer in _alive if not freezer.holds and freezer.may_hold(wanted)]
