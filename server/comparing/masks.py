"""Two runs' masks against each other: which neurons both froze, and when."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from db import LayerHistory

Masks = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
NEITHER, ONLY_A, ONLY_B, BOTH, UNKNOWN = range(5)
"""What a cell of a difference says; UNKNOWN: one of them did not record the epoch."""


def difference(a: LayerHistory, b: LayerHistory, epochs: range) -> npt.NDArray[np.uint8]:
    """Epochs × neurons of two layers of one size: which of the two runs froze a neuron behind an epoch.

    Args:
        a, b: the decided masks of the epochs that were recorded.
        epochs: the rows of the result.
    """
    masks = [rows_of(each, epochs) for each in (a, b)]
    (first, knows_first), (second, knows_second) = masks
    cells = first.astype(np.uint8) * ONLY_A + second.astype(np.uint8) * ONLY_B
    cells[~(knows_first & knows_second)] = UNKNOWN
    return cells


def rows_of(history: LayerHistory, epochs: range) -> tuple[Masks, Masks]:
    """A layer's masks with a row for each of these epochs, and which of them were recorded."""
    whole = np.zeros((len(epochs), history.neurons), np.bool_)
    known = np.zeros(len(epochs), np.bool_)
    inside = (history.epochs >= epochs.start) & (history.epochs < epochs.stop)
    rows = history.epochs[inside] - epochs.start
    whole[rows], known[rows] = history.values[inside], True
    return whole, known


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two runs agree on a layer, epoch by epoch; NaN where one of them did not record the epoch.

    Attributes:
        jaccard: (E,) neurons that both froze, of those that either did; 1 where nobody froze any. NaN throughout where
            the layers differ in size: then neuron 5 of one is not neuron 5 of the other.
        difference: (E,) frozen fraction of B less that of A.
    """

    jaccard: Floats
    difference: Floats


def agreement(a: LayerHistory, b: LayerHistory, epochs: range) -> Agreement:
    """How two runs agree on a layer."""
    (first, knows_first), (second, knows_second) = (rows_of(each, epochs) for each in (a, b))
    known = knows_first & knows_second
    fractions = second.mean(axis=1) - first.mean(axis=1)
    jaccard = np.full(len(epochs), np.nan)
    if first.shape == second.shape:
        both, either = (first & second).sum(axis=1), (first | second).sum(axis=1)
        jaccard = np.where(either > 0, both / np.maximum(either, 1), 1.0)
    return Agreement(np.where(known, jaccard, np.nan), np.where(known, fractions, np.nan))


def first_freezes(history: LayerHistory) -> npt.NDArray[np.int64]:
    """(N,): the first recorded epoch behind which each neuron was frozen; -1: none."""
    ever = history.values.any(axis=0)
    if not ever.any():
        return np.full(history.neurons, -1, np.int64)
    return np.where(ever, history.epochs[history.values.argmax(axis=0)], -1).astype(np.int64)
