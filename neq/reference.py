"""The definition, written down plainly: slow, in Python's own floats, and sharing no code with the fast path.

Tests hold the fast path against it. Outputs are nested lists: one list of values a neuron, every sample and position of
the probe set in one row. Sums are exact (math.fsum) but for their last rounding. Decisions are computed from 1 − φ
rounded to float32, as it is recorded.

Source: arXiv:2207.09455.
"""

import itertools
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

Outputs = Sequence[Sequence[float]]
"""One row of values a neuron."""


@dataclass(frozen=True)
class ReferenceEpoch:
    """What one epoch's end found out; None where a value does not exist yet. φ is 1 minus what was recorded."""

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


def recorded(phi: float) -> float:
    """1 − φ as it is recorded: the nearest float32."""
    nearest: float = struct.unpack("f", struct.pack("f", 1 - phi))[0]
    return nearest


def follow(outputs: Sequence[Outputs], *, epsilon: float, mu: float) -> list[ReferenceEpoch]:
    """All epochs of one layer, from its outputs: `outputs[0]` are the initial weights', `outputs[t + 1]` epoch t's."""
    epochs: list[ReferenceEpoch] = []
    divergence_before: list[float] | None = None
    velocity_before = [0.0] * len(outputs[0])
    for before, now in itertools.pairwise(outputs):
        divergence = [recorded(cosine(a, b)) for a, b in zip(now, before, strict=True)]
        phi = [1 - apart for apart in divergence]
        if divergence_before is None:
            epochs.append(ReferenceEpoch(phi, None, None, [False] * len(phi)))
        else:
            delta = [old - new for new, old in zip(divergence, divergence_before, strict=True)]
            velocity = [d - mu * v for d, v in zip(delta, velocity_before, strict=True)]
            epochs.append(ReferenceEpoch(phi, delta, velocity, [abs(v) < epsilon for v in velocity]))
            velocity_before = velocity
        divergence_before = divergence
    return epochs


def follow_official(phis: Sequence[Sequence[float]], *, epsilon: float, mu: float) -> list[ReferenceEpoch]:
    """The released code's recursion and rule, from φ of every epoch: `phis[t]` has one value a neuron.

    V_t = (Δφ_t − Δφ_{t−1}) + μ · V_{t−1} and |V| <= ε; before the first epoch φ counts as 1, Δφ and V as 0.
    """
    epochs: list[ReferenceEpoch] = []
    divergence_before = [0.0] * len(phis[0])
    delta_before = [0.0] * len(phis[0])
    velocity_before = [0.0] * len(phis[0])
    for measured in phis:
        divergence = [recorded(phi) for phi in measured]
        delta = [old - new for new, old in zip(divergence, divergence_before, strict=True)]
        velocity = [d - e + mu * v for d, e, v in zip(delta, delta_before, velocity_before, strict=True)]
        frozen = [abs(v) <= epsilon for v in velocity]
        phi = [1 - apart for apart in divergence]
        epochs.append(ReferenceEpoch(phi, delta if epochs else None, velocity, frozen))
        divergence_before, delta_before, velocity_before = divergence, delta, velocity
    return epochs
