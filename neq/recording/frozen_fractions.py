"""How much of each layer is frozen behind each epoch: what a notebook shows of a run that is being recorded."""

import threading

import numpy as np
import numpy.typing as npt

from neq.recording.facts import EpochEnded
from neq.recording.listener import Told


class FrozenFractions:
    """Takes epochs on the recorder's thread, and is read from any."""

    def __init__(self) -> None:
        self._epochs: dict[int, list[tuple[int, list[float]]]] = {}
        """By the number of the epoch: each watch's first layer, and the fractions from there on."""
        self._lock = threading.Lock()

    def take(self, fact: Told) -> None:
        """Adds up an epoch."""
        if not isinstance(fact, EpochEnded):
            return
        found = []
        for watch in fact.watches:
            counts = np.add.reduceat(watch.masks["frozen"].numpy(), np.cumsum([0, *watch.sizes[:-1]]), dtype=np.int64)
            found.append((watch.first, (counts / np.array(watch.sizes)).tolist()))
        with self._lock:
            self._epochs[fact.epoch] = found

    def close(self) -> None:
        """What is known stays."""

    def array(self) -> npt.NDArray[np.float32]:
        """(layers, epochs); NaN where this process recorded nothing."""
        with self._lock:
            epochs = dict(self._epochs)
        layers = max((first + len(part) for found in epochs.values() for first, part in found), default=0)
        whole = np.full((layers, max(epochs, default=-1) + 1), np.nan, np.float32)
        for epoch, found in epochs.items():
            for first, part in found:
                whole[first : first + len(part), epoch] = part
        return whole
