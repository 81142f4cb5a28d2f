"""The one byte a neuron and epoch that the browser paints: is it frozen, and how fast did it move.

Bit 7: frozen, as decided at the epoch's end. Bits 0–6: 0 = no velocity yet; 1 … 127 = log10 |v|, linear from 1e-6
(and anything smaller) to 1 (and anything larger). Exact values are fetched as float32 where they are needed.
"""

import numpy as np
import numpy.typing as npt

from contract.events import SMALLEST_DECADE

FROZEN_BIT = 128
LEVELS = 127
LOW = 10.0**SMALLEST_DECADE
HIGH = 1.0

DELTA_ZERO = 64
DELTA_STEPS = 63

_DECADES = np.float32(-SMALLEST_DECADE)
_PER_DECADE = (LEVELS - 1) / (np.log10(HIGH) - np.log10(LOW))


def speed_levels(velocity: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """The level, 0 … 127, of each velocity's magnitude; NaN (no velocity yet) is 0, a velocity of exactly 0 is 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.log10(np.abs(velocity))
        level *= np.float32(_PER_DECADE)
        level += np.float32(LEVELS + 0.5)  # the half makes the cut below a rounding
        np.clip(level, 1, LEVELS, out=level)
    np.nan_to_num(level, copy=False, nan=0.0)
    return level.astype(np.uint8)


def display_bytes(velocity: npt.NDArray[np.float32], frozen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The display byte of each cell; both arrays have the same shape, which is also the result's."""
    cells = speed_levels(velocity)
    cells |= frozen.view(np.uint8) << 7
    return cells


def phi_bytes(divergence: npt.NDArray[np.float32], frozen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The same with 1 − φ in place of |v|: on the same scale, φ = 1 is level 1, no φ is 0."""
    return display_bytes(divergence, frozen)


def delta_bytes(delta: npt.NDArray[np.float32], frozen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The same with a signed Δφ: 64 is about none (|Δφ| ≤ 1e-6), 127 is +1 and more, 1 is −1 and less, 0 no Δφ."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = (np.log10(np.abs(delta)) + _DECADES) / _DECADES
    levels = DELTA_ZERO + np.sign(delta) * np.rint(DELTA_STEPS * np.clip(size, 0, 1))
    cells: npt.NDArray[np.uint8] = np.nan_to_num(levels, nan=0.0).astype(np.uint8)
    cells |= frozen.view(np.uint8) << 7
    return cells


def phi_change(divergence: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Δφ of each epoch but the first given, (E − 1, neurons): φ now less φ one epoch before, in float32.

    Args:
        divergence: 1 − φ (E, neurons), whose differences keep their digits where φ is nearly 1.
    """
    return divergence[:-1] - divergence[1:]


def snapshot_display(velocity: bytes | None, frozen: bytes, neurons: int) -> bytes:
    """The display bytes of one layer after one epoch, from the stored columns (float32 and packed bits)."""
    speed = np.full(neurons, np.nan, np.float32) if velocity is None else np.frombuffer(velocity, "<f4")
    mask = np.unpackbits(np.frombuffer(frozen, np.uint8), count=neurons).view(np.bool_)
    return display_bytes(speed, mask).tobytes()
