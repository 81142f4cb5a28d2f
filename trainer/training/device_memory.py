"""How much of a device's memory tensors took at most: in the run, in an epoch, and in its ordinary training steps."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Peaks:
    """Bytes of the device's memory that tensors had at most; None where the device does not tell, as a CPU.

    Attributes:
        run: since the process began.
        epoch: since the epoch before was over.
        steps: in the epoch's ordinary training steps: neither its first, in which plans are measured, nor dense ones.
            What freezing frees shows here; None also where there was no such step.
    """

    run: int | None
    epoch: int | None
    steps: int | None


class PeakMemory:
    """Reads and resets what the device's allocator counts, without waiting for the device."""

    def __init__(self, device: torch.device) -> None:
        module = torch.get_device_module(device)
        self._counts = module if hasattr(module, "reset_peak_memory_stats") else None
        self._device = device
        self._run = self._epoch = self._steps = 0
        self._ordinary = False

    def enter(self, *, ordinary: bool) -> None:
        """An ordinary training step begins, or something else."""
        if ordinary != self._ordinary:
            self._read()
            self._ordinary = ordinary

    def end_epoch(self) -> Peaks:
        """The epoch's peaks; the next epoch begins."""
        if self._counts is None:
            return Peaks(None, None, None)
        self._read()
        peaks = Peaks(self._run, self._epoch, self._steps or None)
        self._epoch = self._steps = 0
        return peaks

    def _read(self) -> None:
        if self._counts is None:
            return
        peak = int(self._counts.max_memory_allocated(self._device))
        self._counts.reset_peak_memory_stats(self._device)
        self._run, self._epoch = max(self._run, peak), max(self._epoch, peak)
        if self._ordinary:
            self._steps = max(self._steps, peak)
