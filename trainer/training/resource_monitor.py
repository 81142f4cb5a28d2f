"""What an epoch cost: memory, the GPU's use and power, energy. What does not answer is None."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch

from contract.events import Resources
from trainer.training.device_memory import PeakMemory

SAMPLE_SECONDS = 1.0
_KILO = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, and kB elsewhere


def peak_memory_bytes() -> int | None:
    """Most memory that this process has had so far; None where the system does not tell (Windows)."""
    try:
        resource: Any = import_module("resource")
    except ImportError:
        return None
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * _KILO


@dataclass(frozen=True, slots=True)
class _Sample:
    use: float
    watts: float


class GpuMonitor:
    """Use and power of one GPU, sampled by NVML in a thread of its own."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle
        self._samples: list[_Sample] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="nvml", daemon=True)
        self._thread.start()

    @classmethod
    def of(cls, device: torch.device) -> "GpuMonitor | None":
        """The device's monitor; None on a CPU, without nvidia-ml-py, and where NVML does not answer."""
        if device.type != "cuda":
            return None
        try:
            nvml = import_module("pynvml")
            nvml.nvmlInit()
            return cls(nvml, _handle(nvml, torch.cuda.get_device_properties(device).uuid))
        except Exception:  # NVML's errors share no base class with anything, and none of them may end a run
            return None

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            with suppress(Exception):
                use = self._nvml.nvmlDeviceGetUtilizationRates(self._handle).gpu / 100
                self._samples.append(_Sample(use, self._nvml.nvmlDeviceGetPowerUsage(self._handle) / 1000))

    def take(self) -> _Sample | None:
        """Means since they were last taken; None where there was no sample."""
        samples, self._samples = self._samples, []
        if not samples:
            return None
        count = len(samples)
        return _Sample(sum(each.use for each in samples) / count, sum(each.watts for each in samples) / count)

    def close(self) -> None:
        """Ends the thread."""
        self._over.set()
        self._thread.join()


def _handle(nvml: Any, uuid: Any) -> Any:
    """NVML's handle of the device with this UUID; a part of a GPU (MIG) has a name of its own kind."""
    try:
        return nvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode())
    except Exception:  # NVML's errors share no base class
        return nvml.nvmlDeviceGetHandleByUUID(f"MIG-{uuid}".encode())


class EnergyMonitor:
    """The machine's energy and its CO₂ by codecarbon, offline, for the electricity of one country."""

    def __init__(self, tracker: Any) -> None:
        self._tracker = tracker
        self._tracker.start_task()

    @classmethod
    def of(cls, country: str) -> "EnergyMonitor":
        """A monitor for this country (ISO 3166, three letters).

        Raises:
            ImportError: codecarbon is not installed.
        """
        codecarbon: Any = import_module("codecarbon")
        return cls(
            codecarbon.OfflineEmissionsTracker(
                country_iso_code=country,
                output_methods=[],
                log_level="critical",
                allow_multiple_runs=True,
            )
        )

    def take(self) -> tuple[float, float]:
        """kWh and kg of CO₂ since they were last taken."""
        spent = self._tracker.stop_task()
        self._tracker.start_task()
        return float(spent.energy_consumed), float(spent.emissions)

    def close(self) -> None:
        """Ends codecarbon's measuring."""
        self._tracker.stop_task()
        self._tracker.stop()


class ResourceMonitor:
    """Measures memory, the GPU's use and energy, epoch by epoch."""

    def __init__(
        self,
        device: torch.device,
        gpu: GpuMonitor | None,
        energy: EnergyMonitor | None,
        memory: PeakMemory | None = None,
    ) -> None:
        """Args: memory: that the training step tells what kind of step comes; None: there are no steps."""
        self._memory, self._gpu, self._energy = memory or PeakMemory(device), gpu, energy

    def epoch(self) -> Resources:
        """What was spent since the last call."""
        peaks = self._memory.end_epoch()
        sample = None if self._gpu is None else self._gpu.take()
        energy_kwh, co2_kg = self._spent()
        return Resources(
            peak_memory_bytes=peak_memory_bytes(),
            peak_device_memory_bytes=peaks.run,
            epoch_peak_device_memory_bytes=peaks.epoch,
            step_peak_device_memory_bytes=peaks.steps,
            device_use=None if sample is None else sample.use,
            device_watts=None if sample is None else sample.watts,
            energy_kwh=energy_kwh,
            co2_kg=co2_kg,
        )

    def _spent(self) -> tuple[float, float] | tuple[None, None]:
        if self._energy is None:
            return None, None
        try:
            return self._energy.take()
        except Exception:  # whatever codecarbon meets must not end a run
            self._energy = None
            return None, None


@contextmanager
def monitor_resources(
    device: torch.device, country: str | None, memory: PeakMemory | None = None
) -> Iterator[tuple[ResourceMonitor, list[str]]]:
    """A monitor for the run's duration, and warnings about what it was asked to measure and cannot.

    Args:
        memory: that the training step tells what kind of step comes; None: there are no steps.
    """
    gpu, energy, warnings = GpuMonitor.of(device), None, []
    if country is not None:
        try:
            energy = EnergyMonitor.of(country)
        except ImportError:
            warnings.append("Energy is not measured: install codecarbon, as the extra `energy` does.")
        except Exception as error:  # whatever it meets on this machine must not end a run
            warnings.append(f"Energy is not measured: codecarbon says {error}.")
    try:
        yield ResourceMonitor(device, gpu, energy, memory), warnings
    finally:
        for each in (gpu, energy):
            if each is not None:
                with suppress(Exception):
                    each.close()
