"""Time on a device that works on while the host goes ahead: its own events, and room for the host to get ahead."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import torch

_CYCLES_A_MS = 2_000_000
"""Of a GPU's clock. One that is slower waits longer, which does no harm."""


class Event(Protocol):
    """A place in what a device has to do, which it stamps with the time when it gets there."""

    def record(self) -> None:
        """Put behind all that the device was told so far."""

    def query(self) -> bool:
        """Whether the device got there; waits for nothing."""

    def synchronize(self) -> None:
        """The host waits until the device got there."""

    def elapsed_time(self, end: Any, /) -> float:
        """Milliseconds of the device's time from here to another."""


def event_now(device: torch.device) -> Event:
    """One that is recorded now; not for a CPU.

    Only CUDA's were ever seen to work here. On MPS and XPU torch describes the same.
    """
    kinds: dict[str, Any] = {"cuda": torch.cuda.Event, "xpu": torch.xpu.Event, "mps": torch.mps.event.Event}
    kind = kinds.get(device.type)
    event: Event = torch.Event(device, enable_timing=True) if kind is None else kind(enable_timing=True)
    with _on(device):
        event.record()
    return event


def _on(device: torch.device) -> AbstractContextManager[object]:
    """Makes a GPU the current one, whose stream events and the like are put into, where another is."""
    if device.type != "cuda" or device.index in (None, torch.cuda.current_device()):
        return nullcontext()
    return torch.cuda.device(device)


def elapsed_ms(begin: Event, end: Event) -> float:
    """Milliseconds of the device's time between two; waits for the later where the device is not there yet."""
    if not end.query():
        end.synchronize()
    return begin.elapsed_time(end)


def synchronize(device: torch.device) -> None:
    """The host waits until a device has done all that it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "xpu":
        torch.xpu.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    elif device.type != "cpu":
        torch.accelerator.synchronize(device)


def hold_up(device: torch.device, ms: float) -> None:
    """Keeps a device from what it is told next for so long, while the host goes on telling it; where that is possible.

    What lies between two events of a device that waits for its host would else count the host's time too.
    """
    if device.type == "cuda" and hasattr(torch._C, "_cuda_sleep"):
        with _on(device):
            torch.cuda._sleep(int(ms * _CYCLES_A_MS))


@dataclass(frozen=True)
class Load:
    """Milliseconds that something takes of a device and, to tell the device so, of the host."""

    device: float
    host: float

    @property
    def longer(self) -> float:
        """What it takes where both work at the same time."""
        return max(self.device, self.host)


@dataclass(frozen=True)
class Piece:
    """What the device was told between two events.

    Attributes:
        host_ms: that telling it took.
    """

    begin: Event
    end: Event
    host_ms: float

    def load(self) -> Load:
        """What it took; waits where the device is not through with it."""
        return Load(elapsed_ms(self.begin, self.end), self.host_ms)


class Stopwatch:
    """Runs from when it is made until it is stopped, on a device and on the host."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._begin = device, event_now(device)
        self._host = perf_counter()

    def stop(self) -> Piece:
        """What lies between."""
        host_ms = 1e3 * (perf_counter() - self._host)
        return Piece(self._begin, event_now(self._device), host_ms)

    @property
    def is_ahead(self) -> bool:
        """Whether the device has not even got to where this began: the host has waited for nothing since, nor the
        device for the host."""
        return not self._begin.query()
