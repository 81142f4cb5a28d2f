"""Layers × epochs: what each finished epoch says of its layers, decoded once a process and kept while it is asked for.

An epoch's event never changes and its number is never given again, so what was decoded of it holds for ever; which
epochs a run has is asked of the store each time. Thus an epoch that is added costs its own decoding alone, and
those that a resumed run trains anew come under new numbers.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from contract.events import VELOCITY_EDGES
from db import Store
from server.arrays.display import phi_change
from server.arrays.histograms import CHANGE_EDGES, PHI_EDGES, phi_counts, velocity_counts

EPOCHS_KEPT = 20_000
"""Together, of all runs; an epoch of Swin-B's 154 layers is 2.5 kB."""

Row = TypeVar("Row")
Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]


class Decoded(Generic[Row]):
    """Rows by run and event number; the run that was not asked for longest goes first. For any thread."""

    def __init__(self, epochs_kept: int = EPOCHS_KEPT) -> None:
        self._limit = epochs_kept
        self._runs: OrderedDict[str, dict[int, Row]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, run_id: str, seqs: Sequence[int], make: Callable[[list[int]], dict[int, Row]]) -> list[Row]:
        """The rows of these events in their order; those that are not here are made, together."""
        with self._lock:
            known = dict(self._runs.get(run_id, {}))
        missing = [seq for seq in seqs if seq not in known]
        if missing:
            known |= make(missing)
        with self._lock:
            self._runs[run_id] = {**self._runs.get(run_id, {}), **{seq: known[seq] for seq in seqs}}
            self._runs.move_to_end(run_id)
            while len(self._runs) > 1 and sum(map(len, self._runs.values())) > self._limit:
                self._runs.popitem(last=False)
        return [known[seq] for seq in seqs]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One epoch's numbers, an item a layer."""

    frozen: npt.NDArray[np.int32]
    thawed: npt.NDArray[np.int32]
    phi: Floats
    speed: Floats
    dead: Floats
    churning: Floats

    @classmethod
    def read(cls, columns: dict[str, Any]) -> "LayerRow":
        """From an event's `layers`; NaN where there is no value."""
        return cls(
            np.array(columns["frozen"], np.int32),
            np.array(columns["thawed"], np.int32),
            np.array(columns["phi_mean"], np.float32),
            np.array(columns["speed_mean"], np.float32),
            _counts(columns, "dead"),
            _counts(columns, "churning"),
        )


def _counts(columns: dict[str, Any], name: str) -> Floats:
    """What a former version did not count is NaN for every layer."""
    told = columns.get(name)
    return np.full(len(columns["frozen"]), np.nan, np.float32) if told is None else np.array(told, np.float32)


class Columns:
    """What runs' epochs say, layer by layer, and of the whole network; see the module."""

    def __init__(self) -> None:
        self._layers: Decoded[LayerRow] = Decoded()
        self._velocity: Decoded[Counts] = Decoded()
        self._phi: Decoded[tuple[Counts, Counts]] = Decoded()

    def layers(self, store: Store, run_id: str, seqs: Sequence[int]) -> list[LayerRow]:
        """The layers' numbers of these epochs."""

        def make(missing: list[int]) -> dict[int, LayerRow]:
            return {seq: LayerRow.read(read) for seq, read in store.epoch_columns(run_id, missing).items()}

        return self._layers.get(run_id, seqs, make)

    def velocity_counts(self, store: Store, run_id: str, seqs: Sequence[int]) -> Counts:
        """The network's velocities in the 39 bins, (epochs, 39): what the events say, summed over layers."""

        def make(missing: list[int]) -> dict[int, Counts]:
            found = store.epoch_columns(run_id, missing, histograms=True)
            return {seq: _summed(read["velocity_histogram"]) for seq, read in found.items()}

        rows = self._velocity.get(run_id, seqs, make)
        return np.array(rows, np.int64).reshape(len(rows), len(VELOCITY_EDGES) + 1)

    def phi_counts(self, store: Store, run_id: str, epochs: Sequence[tuple[int, int]]) -> tuple[Counts, Counts]:
        """The network's φ in 50 bins and Δφ in 39, each (epochs, bins), from all neurons' stored values.

        Args:
            epochs: each epoch with its event's number, in order.
        """
        numbers = {seq: epoch for epoch, seq in epochs}

        def make(missing: list[int]) -> dict[int, tuple[Counts, Counts]]:
            wanted = [numbers[seq] for seq in missing]
            phi, delta = _count_phi(store, run_id, range(min(wanted), max(wanted) + 1))
            places = [epoch - min(wanted) for epoch in wanted]
            return {seq: (phi[at], delta[at]) for seq, at in zip(missing, places, strict=True)}

        rows = self._phi.get(run_id, [seq for _, seq in epochs], make)
        phi = np.array([row[0] for row in rows], np.int64).reshape(len(rows), len(PHI_EDGES) - 1)
        return phi, np.array([row[1] for row in rows], np.int64).reshape(len(rows), len(CHANGE_EDGES) + 1)


def _summed(histograms: list[list[int] | None]) -> Counts:
    counted = [each for each in histograms if each is not None]
    total: Counts = np.array(counted or [[0] * (len(VELOCITY_EDGES) + 1)], np.int64).sum(axis=0)
    return total


def _count_phi(store: Store, run_id: str, epochs: range) -> tuple[Counts, Counts]:
    """Both histograms over these epochs, a layer at a time, for all layers at once may not fit into memory."""
    phi = np.zeros((len(epochs), len(PHI_EDGES) - 1), np.int64)
    delta = np.zeros((len(epochs), len(CHANGE_EDGES) + 1), np.int64)
    for layer in store.layers(run_id):
        before = epochs.start - 1  # epoch -1 is none, and counts nothing, as an epoch that is missing
        values = store.layer_history(run_id, layer["index"], "divergence", before, epochs.stop)
        rows = values.rows(before, epochs.stop)
        phi += phi_counts(rows[1:])
        delta += velocity_counts(phi_change(rows))
    return phi, delta
