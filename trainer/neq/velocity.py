"""v: how fast φ changes, with a memory of the epochs before."""

from torch import Tensor


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
