"""Last epoch's outputs of the whole probe set, kept where there is room for them."""

from collections.abc import Iterator

import torch

from neq.device.free_memory import free_bytes
from neq.measure.activation_cache import ActivationCache

DEVICE_SHARE = 4
"""Outputs stay on the device up to one part in so many of what was free there before."""

PINNED_BYTES = 4 * 2**30
"""Most memory of the machine that is kept from being moved, so that a GPU reaches it by itself."""


class OutputCache:
    """Outputs portion by portion: on the device while they take little of what is free there, else on the host.

    Attributes:
        nbytes: what they take.
        on_host: whether they are in the machine's memory though the model is not.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        free = free_bytes(device)
        self._most = None if free is None else free // DEVICE_SHARE
        self._portions: list[ActivationCache] = []
        self.nbytes = 0
        self.on_host = False

    def __iter__(self) -> Iterator[ActivationCache]:
        return iter(self._portions)

    def empty(self) -> ActivationCache:
        """Where a portion's outputs can be kept before they are added."""
        return ActivationCache(on_host=self.on_host, pinned=self.nbytes < PINNED_BYTES)

    def add(self, outputs: ActivationCache) -> None:
        """The next portion's."""
        self._portions.append(outputs)
        self.nbytes += outputs.nbytes
        if self._most is not None and self.nbytes > self._most:
            self.move_to_host()

    def move_to_host(self) -> bool:
        """Makes room on the device; whether there was anything to be done."""
        if self.on_host or self._device.type == "cpu":
            return False
        self.on_host, moved = True, 0
        for outputs in self._portions:
            outputs.move_to_host(pinned=moved < PINNED_BYTES)
            moved += outputs.nbytes
        return True
