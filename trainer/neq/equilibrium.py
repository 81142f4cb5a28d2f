"""What one epoch's end found out: φ, Δφ, v and the decision, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LayerEquilibrium:
    """One layer's neurons. All tensors lie on the CPU, one value a neuron; None where a value does not exist yet.

    Attributes:
        phi: float32, how like last epoch's the outputs are.
        delta_phi: float32; the first is that of the second epoch.
        velocity: float32; exists when delta_phi does.
        frozen: bool, decided now: not updated in the next epoch.
        applied: bool, decided an epoch earlier: not updated during the epoch that ended.
    """

    phi: Tensor
    delta_phi: Tensor | None
    velocity: Tensor | None
    frozen: Tensor
    applied: Tensor


@dataclass(frozen=True)
class Equilibrium:
    """The state of all watched neurons at the end of `epoch` (counted from 0), layers in forward order."""

    epoch: int
    layers: Mapping[str, LayerEquilibrium]

    @property
    def neurons(self) -> int:
        """How many are watched."""
        return sum(layer.frozen.numel() for layer in self.layers.values())

    @property
    def frozen_fraction(self) -> float:
        """Share of the neurons, in 0–1, that will not be updated in the next epoch."""
        return sum(int(layer.frozen.sum()) for layer in self.layers.values()) / self.neurons

    @property
    def applied_fraction(self) -> float:
        """Share of the neurons, in 0–1, that were not updated during the epoch that ended."""
        return sum(int(layer.applied.sum()) for layer in self.layers.values()) / self.neurons
