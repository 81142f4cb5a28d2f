"""What freezing asks of whatever saves work for it. Without any, frozen neurons are computed and held all the same."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from torch import Tensor
from torch.optim import Optimizer

from neq.freeze.plan import LayerPlan
from neq.network.layers import WatchedLayer
from neq.network.optimizers import Optimizers


class LeavesZeros(Protocol):
    """A layer whose backward pass may leave the gradients of frozen rows zero by itself."""

    def leaves_zeros(self, parameter: Tensor, frozen: Callable[[], Tensor]) -> bool:
        """Whether the frozen rows of a gradient that just arrived are zero already.

        Args:
            parameter: of the layer.
            frozen: gives the gradient of its frozen rows, to look at.
        """


class BackwardSavings(Protocol):
    """Makes the backward pass leave out what frozen neurons do not need, and changes no number."""

    def change(self, masks: Mapping[str, Tensor]) -> None:
        """Makes new plans.

        Args:
            masks: bool, one value a neuron, true is frozen, by layer name; a layer left out moves whole.
        """

    def of(self, name: str) -> LeavesZeros | None:
        """What is saved of the layer of that name, some of whose neurons are frozen; None: nothing."""

    def after_step(self, optimizer: Optimizer | None = None) -> None:
        """An optimizer made a step; None: the one that was given first."""

    def lifted(self) -> AbstractContextManager[bool]:
        """Everything is computed in a forward and a backward pass meanwhile; says whether so."""

    def plans(self) -> dict[str, LayerPlan]:
        """What the backward pass does about every layer now, in forward order."""

    def close(self) -> None:
        """Leaves every module and parameter as it was found."""


MakeSavings = Callable[[Sequence[WatchedLayer], Optimizers], BackwardSavings]


class NoSavings:
    """Saves nothing: every gradient is computed whole.

    Args:
        layers: the watched ones.
    """

    def __init__(self, layers: Sequence[WatchedLayer], _optimizers: Optimizers) -> None:
        self._layers = list(layers)
        self._active: dict[str, int] = {}

    def change(self, masks: Mapping[str, Tensor]) -> None:
        """As `BackwardSavings.change`."""
        self._active = {name: int((~mask).sum()) for name, mask in masks.items()}

    def of(self, _name: str) -> None:
        """As `BackwardSavings.of`."""

    def after_step(self, _optimizer: Optimizer | None = None) -> None:
        """As `BackwardSavings.after_step`."""

    @contextmanager
    def lifted(self) -> Iterator[bool]:
        """As `BackwardSavings.lifted`: nothing is left out that could be put in."""
        yield False

    def plans(self) -> dict[str, LayerPlan]:
        """As `BackwardSavings.plans`."""
        return {layer.name: self._plan(layer) for layer in self._layers}

    def _plan(self, layer: WatchedLayer) -> LayerPlan:
        active = self._active.get(layer.name, layer.neurons)
        if active == layer.neurons:
            return LayerPlan("untouched", layer.neurons, active, layer.neurons, "nothing is frozen")
        return LayerPlan("dense", layer.neurons, active, layer.neurons, "nothing is saved")

    def close(self) -> None:
        """As `BackwardSavings.close`."""
