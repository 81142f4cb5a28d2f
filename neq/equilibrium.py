"""What one epoch's end found out: φ, Δφ, v and the decision, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from neq.old_names import warn_renamed


@dataclass(frozen=True, eq=False)
class LayerEquilibrium:
    """One layer's neurons. All tensors lie on the CPU, one value a neuron; None where a value does not exist yet.

    Attributes:
        divergence: float32, 1 − φ: how far the outputs turned away from last epoch's; in [0, 2]. Exactly what was
            decided from: computed in float64, Δφ is last epoch's `divergence` minus this one, v follows from Δφ by the
            formula, and `at_equilibrium` from v. Whoever keeps `divergence` can repeat them to the bit.
        delta_phi: float32, rounded from float64; the first is that of the second epoch.
        velocity: float32, rounded from float64; by the paper's formula it exists when delta_phi does, by the official
            one at once.
        frozen: bool, decided now: not updated in the next epoch.
        applied: bool, in force during the epoch that ended: what was decided an epoch earlier, or set by `NEq.freeze`.
            Not those that something else than an optimizer's step moved all the same.
        at_equilibrium: bool, whether the formula's rule finds the neuron at equilibrium, whatever was then selected.
        dead: bool, its outputs on the probe set are all 0.
        churning: bool, slow but not still: φ, in float64, below a bound while |v| < ε. By the rule that is equilibrium;
            the neuron keeps changing at an even pace.
        own: float32, φ had only the neuron's own parameters moved, not what it is fed; only where it was asked for.
        upstream: float32, φ had only what it is fed moved; only where it was asked for.
    """

    divergence: Tensor
    delta_phi: Tensor | None
    velocity: Tensor | None
    frozen: Tensor
    applied: Tensor
    at_equilibrium: Tensor
    dead: Tensor
    churning: Tensor
    own: Tensor | None = None
    upstream: Tensor | None = None

    @property
    def phi(self) -> Tensor:
        """float32 (neurons,): φ, how like last epoch's the outputs are; 1 − `divergence`, rounded once from float64.

        Near 1 it has fewer digits than `divergence`: what is 1 here may have moved.
        """
        return (1 - self.divergence.double()).float()

    @property
    def settled(self) -> Tensor:
        """The former name of `at_equilibrium`."""
        warn_renamed("LayerEquilibrium.settled", "LayerEquilibrium.at_equilibrium")
        return self.at_equilibrium


@dataclass(frozen=True)
class GroupEquilibrium:
    """Several layers' neurons as one: the cosine of their concatenated outputs. None where a value does not exist yet.

    Attributes:
        layers: names of the layers that belong to it.
        neurons: how many these are together.
        divergence: 1 − φ, in [0, 2], one of float32's values: exactly what `velocity` was computed from, in float64.
        at_equilibrium: whether the formula's rule finds the group at equilibrium.
    """

    layers: tuple[str, ...]
    neurons: int
    divergence: float
    delta_phi: float | None
    velocity: float | None
    at_equilibrium: bool

    @property
    def phi(self) -> float:
        """φ, how like last epoch's the outputs are."""
        return 1 - self.divergence

    @property
    def settled(self) -> bool:
        """The former name of `at_equilibrium`."""
        warn_renamed("GroupEquilibrium.settled", "GroupEquilibrium.at_equilibrium")
        return self.at_equilibrium


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """The state of all watched neurons at the end of `epoch` (counted from 0), layers in forward order."""

    epoch: int
    layers: Mapping[str, LayerEquilibrium]
    groups: Mapping[str, GroupEquilibrium] = field(default_factory=dict)

    @property
    def neurons(self) -> int:
        """How many are watched."""
        return sum(layer.frozen.numel() for layer in self.layers.values())

    @property
    def frozen_fraction(self) -> float:
        """Fraction of the neurons, in 0–1, that will not be updated in the next epoch."""
        return sum(int(layer.frozen.sum()) for layer in self.layers.values()) / self.neurons

    @property
    def applied_fraction(self) -> float:
        """Fraction of the neurons, in 0–1, that were not updated during the epoch that ended."""
        return sum(int(layer.applied.sum()) for layer in self.layers.values()) / self.neurons

    @property
    def dead(self) -> dict[str, Tensor]:
        """Neurons whose outputs are all 0: bool, one value a neuron, by layer name."""
        return {name: layer.dead for name, layer in self.layers.items()}

    @property
    def churning(self) -> dict[str, Tensor]:
        """Neurons that go on changing at an even pace: bool, one value a neuron, by layer name."""
        return {name: layer.churning for name, layer in self.layers.items()}
