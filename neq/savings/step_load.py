"""What a step takes of a device and of its host, found out in the very step in which layers are tried, without them."""

import torch

from neq.device.timing import Load, Piece, Stopwatch, hold_up

HELD_UP_MS = 20.0
"""So long the device is kept from a step's beginning, for its host to get ahead: longer than launching most networks'
forward pass takes."""

MOST_TIMES = 3
"""So often it is held up until the masks change again: a layer that is called and never gets a gradient asks in every
step."""


class StepLoad:
    """Adds up the pieces of a step that lie between its layers' trials.

    A piece counts if the host was through with telling it before the device began with it: then neither has waited for
    the other, and both their times are their own. All others are left out of both sums: there the host waited for a
    value, or was far behind.
    """

    def __init__(self) -> None:
        self._watch: Stopwatch | None = None
        self._device = torch.device("cpu")
        self._pieces: list[Piece] = []
        self._held_up = 0

    def begin(self, device: torch.device) -> None:
        """A layer is called; the first one of a step begins it."""
        if self._watch is None:
            if self._held_up < MOST_TIMES:
                self._held_up += 1
                hold_up(device, HELD_UP_MS)
            self.resume(device)

    def resume(self, device: torch.device) -> None:
        """What comes now belongs to the step."""
        self._watch, self._device = Stopwatch(device), device

    def pause(self, device: torch.device) -> None:
        """What comes now is a trial."""
        watch, self._watch = self._watch, None
        if watch is not None and device == self._device:
            ahead = watch.is_ahead
            piece = watch.stop()
            if ahead:
                self._pieces.append(piece)

    def end(self) -> None:
        """The step is over."""
        self.pause(self._device)

    def read(self) -> Load:
        """What the step took; waits where the device is not through with it."""
        loads = [piece.load() for piece in reversed(self._pieces)]  # the last first: the others are over then
        self._pieces.clear()
        return Load(sum(load.device for load in loads), sum(load.host for load in loads))

    def forget(self) -> None:
        """The step is over, and nobody asks what it took."""
        self._watch = None
        self._pieces.clear()
