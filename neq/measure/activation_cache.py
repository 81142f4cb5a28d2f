"""Keeping outputs until they are compared.

They are copied, into memory that is used again for every portion of the probe set. A module's output may be changed in
place after it was given (torchvision's ResNets apply ReLU in place to what their batch norms gave), and to hold on to a
hundred fresh outputs at once costs more than the copies: the system hands out their pages anew each time.
"""

from contextlib import suppress

from torch import Tensor

from neq.errors import OutputsNotPaired


class ActivationCache:
    """What the watched layers gave for one portion of the probe set, each in the order of its calls.

    Args:
        on_host: keep them in the machine's memory, from which they are fetched one by one; the values are the same.
        pinned: there, in memory that a GPU reaches by itself, where the system gives any.
    """

    def __init__(self, *, on_host: bool = False, pinned: bool = False) -> None:
        self._on_host, self._pinned = on_host, pinned
        self._buffers: dict[str, list[Tensor]] = {}
        self._kept: dict[str, int] = {}
        self._taken: dict[str, int] = {}

    @property
    def nbytes(self) -> int:
        """The memory that they take."""
        return sum(output.nbytes for outputs in self._buffers.values() for output in outputs)

    def clear(self) -> None:
        """Keeps nothing; the memory stays, for what comes next."""
        self._kept.clear()
        self._taken.clear()

    def rewind(self) -> None:
        """Everything kept can be taken again."""
        self._taken.clear()

    def keep(self, name: str, output: Tensor) -> None:
        """Copies what a layer gave."""
        buffers = self._buffers.setdefault(name, [])
        place = self._kept.get(name, 0)
        self._kept[name] = place + 1
        if place == len(buffers):
            buffers.append(self._copied(output))
        elif _fits(buffers[place], output):
            buffers[place].copy_(output)
        else:
            buffers[place] = self._copied(output)

    def _copied(self, output: Tensor) -> Tensor:
        return _on_host(output, pinned=self._pinned) if self._on_host else output.clone()

    def move_to_host(self, *, pinned: bool) -> None:
        """Keeps from now on in the machine's memory what is kept and what will be."""
        self._on_host, self._pinned = True, pinned
        for buffers in self._buffers.values():
            buffers[:] = [_on_host(buffer, pinned=pinned) for buffer in buffers]

    def take(self, name: str) -> Tensor:
        """The next output of a layer, in the order of its calls, where it is kept.

        Raises:
            OutputsNotPaired: there is none left.
        """
        place = self._taken.get(name, 0)
        if place == self._kept.get(name, 0):
            raise OutputsNotPaired(name, "is called more often on the probe set than one epoch earlier")
        self._taken[name] = place + 1
        return self._buffers[name][place]

    def check_all_taken(self) -> None:
        """Every output was taken.

        Raises:
            OutputsNotPaired: some are left.
        """
        left = [name for name, kept in self._kept.items() if self._taken.get(name, 0) < kept]
        if left:
            raise OutputsNotPaired(left[0], "is called less often on the probe set than one epoch earlier")


def _on_host(output: Tensor, *, pinned: bool) -> Tensor:
    """A copy with the same strides."""
    host = output.to("cpu", copy=True)
    if pinned:
        with suppress(RuntimeError):  # the system gives no more of it
            return host.pin_memory()
    return host


def _fits(buffer: Tensor, output: Tensor) -> bool:
    return (
        buffer.shape == output.shape
        and buffer.dtype == output.dtype
        and buffer.device == output.device
        and buffer.stride() == output.stride()
    )
