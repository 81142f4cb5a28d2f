"""v: how fast φ changes, with a memory of the epochs before, by the paper's formula or by the released code's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, get_args

import torch
from torch import Tensor

from neq.options import FormulaName


def velocity_paper(delta_phi: Tensor, before: Tensor | None, *, mu: float) -> Tensor:
    """v_t = Δφ_t − μ · v_{t−1}, the recursion as the paper defines it.

    Args:
        delta_phi: Δφ_t = φ_t − φ_{t−1}, one value a neuron.
        before: v_{t−1}; None for the first velocity there is, which counts it as 0.
        mu: weight of the former velocity, in [0, 0.5].

    Returns:
        v_t, one value a neuron; 0 is a neuron whose outputs change at an even pace or not at all.

    Source: arXiv:2207.09455, the equation of v. The released code follows another recursion.
    """
    return delta_phi.clone() if before is None else delta_phi - mu * before


def velocity_official(delta_phi: Tensor, delta_before: Tensor, before: Tensor | None, *, mu: float) -> Tensor:
    """V_t = (Δφ_t − Δφ_{t−1}) + μ · V_{t−1}, the recursion of the released code.

    φ before the first epoch counts as 1 there and Δφ as 0, so that V_0 = φ_0 − 1. Taps of the same size as the paper's
    at μ = 0.5, with other signs at even lags: a steady drift of φ dies away here, and does not in the paper's.

    Args:
        delta_phi: Δφ_t, one value a neuron; Δφ_0 is φ_0 − 1.
        delta_before: Δφ_{t−1}; zeros before the first epoch.
        before: V_{t−1}; None counts it as 0.
        mu: weight of the former velocity, in [0, 1).

    Source: the authors' released code, `src/neq.py`.
    """
    change = delta_phi - delta_before
    return change if before is None else change + mu * before


@dataclass(frozen=True)
class VelocityState:
    """How φ moved in one epoch; None where a value does not exist yet. float64, one value a neuron.

    Attributes:
        divergence: 1 − φ as recorded, see `as_recorded`.
        at_equilibrium: bool, whether the formula's rule finds the neuron at equilibrium.
    """

    divergence: Tensor
    delta_phi: Tensor | None
    velocity: Tensor | None
    at_equilibrium: Tensor

    @property
    def phi(self) -> Tensor:
        """φ, rounded where it is within 1e-16 of 1."""
        return 1 - self.divergence


class VelocityTracker(Protocol):
    """Follows φ from epoch to epoch."""

    first_freezing_epoch: int

    def next(self, divergence: Tensor) -> VelocityState:
        """One epoch on.

        Args:
            divergence: float64, one value a neuron: 1 − φ, because near φ = 1 it is the more exact; as it is recorded,
                see `as_recorded`.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """What the recursion remembers; copies."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues where `state_dict()` was taken."""
        ...

    def carry_over_from(self, other: Any, places: Tensor) -> None:
        """Takes over what another of the same kind remembers.

        Args:
            places: int64, one value a neuron: its place in the other; −1: it is new here.
        """
        ...


class PaperTracker:
    """v by the paper, and its rule |v| < ε.

    Raises:
        ValueError: mu does not lie in [0, 0.5].
    """

    first_freezing_epoch = 2
    """φ is known from the end of epoch 0, v from that of epoch 1, and what it decides holds in epoch 2."""

    def __init__(self, *, epsilon: float, mu: float) -> None:
        if not 0 <= mu <= 0.5:
            raise ValueError(f"mu is {mu}; it must lie between 0 and 0.5")
        self._epsilon, self._mu = epsilon, mu
        self._memory = _Memory()

    def next(self, divergence: Tensor) -> VelocityState:
        """One epoch on."""
        memory = self._memory
        delta = None if memory.divergence is None else memory.divergence - divergence
        velocity = None if delta is None else velocity_paper(delta, _known(memory.velocity), mu=self._mu)
        at_equilibrium = (
            torch.zeros_like(divergence, dtype=torch.bool) if velocity is None else velocity.abs() < self._epsilon
        )
        self._memory = _Memory(divergence, delta, velocity)
        return VelocityState(divergence, delta, velocity, at_equilibrium)

    def state_dict(self) -> dict[str, Any]:
        """What the recursion remembers; copies."""
        return self._memory.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues where `state_dict()` was taken."""
        self._memory = _Memory.of(state)

    def carry_over_from(self, other: Any, places: Tensor) -> None:
        """Takes over what another of the same kind remembers."""
        self._memory = other._memory.at(places, fresh=torch.nan)


class OfficialTracker:
    """V by the released code, and its rule |V| <= ε.

    Raises:
        ValueError: mu does not lie in [0, 1).
    """

    first_freezing_epoch = 1
    """V exists from the end of epoch 0 on."""

    def __init__(self, *, epsilon: float, mu: float) -> None:
        if not 0 <= mu < 1:
            raise ValueError(f"mu is {mu}; with the official formula it must be at least 0 and below 1")
        self._epsilon, self._mu = epsilon, mu
        self._memory = _Memory()

    def next(self, divergence: Tensor) -> VelocityState:
        """One epoch on."""
        memory = self._memory
        still = torch.zeros_like(divergence)
        delta = (still if memory.divergence is None else memory.divergence) - divergence
        delta_before = still if memory.delta_phi is None else memory.delta_phi
        velocity = velocity_official(delta, delta_before, memory.velocity, mu=self._mu)
        measured = None if memory.divergence is None else delta
        self._memory = _Memory(divergence, delta, velocity)
        return VelocityState(divergence, measured, velocity, velocity.abs() <= self._epsilon)

    def state_dict(self) -> dict[str, Any]:
        """What the recursion remembers; copies."""
        return self._memory.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continues where `state_dict()` was taken."""
        self._memory = _Memory.of(state)

    def carry_over_from(self, other: Any, places: Tensor) -> None:
        """Takes over what another of the same kind remembers."""
        self._memory = other._memory.at(places, fresh=0.0)


@dataclass(frozen=True)
class _Memory:
    """The last epoch's values, float64; None before there is one."""

    divergence: Tensor | None = None
    delta_phi: Tensor | None = None
    velocity: Tensor | None = None

    def at(self, places: Tensor, *, fresh: float) -> "_Memory":
        """The values at other places; −1 is a neuron of which nothing is remembered yet."""
        return _Memory(
            **{
                name: None if value is None else torch.where(places >= 0, value[places], fresh)
                for name, value in vars(self).items()
            }
        )

    def state_dict(self) -> dict[str, Any]:
        return {name: None if value is None else value.clone() for name, value in vars(self).items()}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "_Memory":
        """What a state remembers, as it stands there.

        Nothing is rounded here. In a state from before 1 − φ was recorded it has more digits than float32: that epoch
        was decided from all of them, and what was recorded of it is φ. Rounding would change the next v and still not
        make it follow from the record. What comes after can be repeated from this state and the record since.
        """
        return cls(**{name: None if value is None else value.cpu().clone() for name, value in state.items()})


def _known(velocity: Tensor | None) -> Tensor | None:
    """Where there is none yet, or none that is a number, it counts as 0."""
    return None if velocity is None else velocity.nan_to_num(nan=0.0)


def velocity_tracker(formula: FormulaName, *, epsilon: float, mu: float) -> VelocityTracker:
    """The recursion and rule of that name.

    Raises:
        ValueError: there is none, or a value is out of its range.
    """
    if not epsilon >= 0:
        raise ValueError(f"epsilon is {epsilon}; it must be 0 or more")
    tracks: dict[str, type[PaperTracker] | type[OfficialTracker]] = {"paper": PaperTracker, "official": OfficialTracker}
    if formula not in tracks:
        raise ValueError(f"formula is {formula!r}; choose one of {', '.join(get_args(FormulaName))}")
    return tracks[formula](epsilon=epsilon, mu=mu)
