"""The definition, written down plainly: slow, in Python's own floats, and sharing no code with the fast path.

Tests hold the fast path against it. Outputs are nested lists: one list of values a neuron, every sample and position of
the probe set in one row. Sums are exact (math.fsum) but for their last rounding.

Source: arXiv:2207.09455.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

Outputs = Sequence[Sequence[float]]
"""One row of values a neuron."""


@dataclass(frozen=True)
class ReferenceEpoch:
    """What one epoch's end found out; None where a value does not exist yet."""

    phi: list[float]
    delta_phi: list[float] | None
    velocity: list[float] | None
    frozen: list[bool]


def cosine(now: Sequence[float], before: Sequence[float]) -> float:
    """φ of one neuron: both silent is 1, one silent is 0, else the cosine."""
    cross = math.fsum(a * b for a, b in zip(now, before, strict=True))
    norm_now = math.sqrt(math.fsum(a * a for a in now))
    norm_before = math.sqrt(math.fsum(b * b for b in before))
    if norm_now == 0 and norm_before == 0:
        return 1.0
    if norm_now == 0 or norm_before == 0:
        return 0.0
    return cross / (norm_now * norm_before)


def cosine_by_sample(now: Sequence[Sequence[float]], before: Sequence[Sequence[float]]) -> float:
    """The released code's φ of one neuron: the mean over the samples of a cosine over each one's positions."""
    return math.fsum(cosine(a, b) for a, b in zip(now, before, strict=True)) / len(now)


def follow(outputs: Sequence[Outputs], *, epsilon: float, mu: float) -> list[ReferenceEpoch]:
    """All epochs of one layer, from its outputs: `outputs[0]` are the initial weights', `outputs[t + 1]` epoch t's."""
    epochs: list[ReferenceEpoch] = []
    phi_before: list[float] | None = None
    velocity_before = [0.0] * len(outputs[0])
    for before, now in itertools.pairwise(outputs):
        phi = [cosine(a, b) for a, b in zip(now, before, strict=True)]
        if phi_before is None:
            epochs.append(ReferenceEpoch(phi, None, None, [False] * len(phi)))
        else:
            delta = [new - old for new, old in zip(phi, phi_before, strict=True)]
            velocity = [d - mu * v for d, v in zip(delta, velocity_before, strict=True)]
            epochs.append(ReferenceEpoch(phi, delta, velocity, [abs(v) < epsilon for v in velocity]))
            velocity_before = velocity
        phi_before = phi
    return epochs


def follow_official(phis: Sequence[Sequence[float]], *, epsilon: float, mu: float) -> list[ReferenceEpoch]:
    """The released code's recursion and rule, from φ of every epoch: `phis[t]` has one value a neuron.

    V_t = (Δφ_t − Δφ_{t−1}) + μ · V_{t−1} and |V| <= ε; before the first epoch φ counts as 1, Δφ and V as 0.
    """
    epochs: list[ReferenceEpoch] = []
    phi_before = [1.0] * len(phis[0])
    delta_before = [0.0] * len(phis[0])
    velocity_before = [0.0] * len(phis[0])
    for phi in phis:
        delta = [new - old for new, old in zip(phi, phi_before, strict=True)]
        velocity = [d - e + mu * v for d, e, v in zip(delta, delta_before, velocity_before, strict=True)]
        frozen = [abs(v) <= epsilon for v in velocity]
        epochs.append(ReferenceEpoch(list(phi), delta if epochs else None, velocity, frozen))
        phi_before, delta_before, velocity_before = list(phi), delta, velocity
    return epochs
