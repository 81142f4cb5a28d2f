"""1 − φ in the precision in which it is recorded, and in which it is decided from."""

from torch import Tensor


def as_recorded(divergence: Tensor) -> Tensor:
    """1 − φ, rounded to float32 before anything is computed from it.

    This is the only place where it is rounded. Deciding from more digits than are recorded would leave decisions that
    nobody can repeat: computed from the record, a v that nearly equals ε may come out on the other side of it. So Δφ, v
    and masks are computed, in float64, from the very values that `LayerEquilibrium.divergence` holds, and whoever keeps
    these computes the same to the bit. It is 1 − φ and not φ that is rounded, because float32 holds 24 bits of 1 − φ
    however small it is, and φ near 1 in steps of 6e-8 only.

    Args:
        divergence: float64, of any shape: 1 − φ as it was measured.

    Returns:
        float64, of the same shape; every value is one of float32's.
    """
    return divergence.float().double()
