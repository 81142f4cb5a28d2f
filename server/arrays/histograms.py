"""Histograms of a layer's values, epoch by epoch, with edges that never move: derived, for storing them costs more."""

import numpy as np
import numpy.typing as npt

from contract.events import VELOCITY_EDGES

PHI_EDGES = np.linspace(-1.0, 1.0, 51)
"""The edges of 50 equal bins; the outermost also hold what rounding put just outside."""

CHANGE_EDGES = VELOCITY_EDGES
"""Δφ is on the scale of velocities, so that both can be laid side by side."""

_VELOCITY_EDGES = np.array(VELOCITY_EDGES)


def velocity_counts(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Neurons in each of the 39 bins between VELOCITY_EDGES, (epochs, 39); bin = number of edges ≤ v, NaN in none."""
    return _counts(values, _VELOCITY_EDGES)


def phi_counts(divergence: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Neurons in each of the 50 equal bins of φ from −1 to 1, (epochs, 50); NaN in none.

    Args:
        divergence: 1 − φ (epochs, neurons).
    """
    return _counts((1 - divergence.astype(np.float64)).astype(np.float32), PHI_EDGES[1:-1])


def _counts(values: npt.NDArray[np.float32], inner_edges: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Neurons between inner edges, the outermost bins open. Sorting first is three times as quick as searching."""
    rows = np.sort(values, axis=1)  # NaN last
    below = np.empty((len(rows), len(inner_edges) + 2), np.int64)
    below[:, 0] = 0
    below[:, -1] = np.count_nonzero(~np.isnan(rows), axis=1)
    for row, counts in zip(rows, below, strict=True):
        counts[1:-1] = np.searchsorted(row.astype(np.float64), inner_edges, side="left")
    return np.diff(below, axis=1)
