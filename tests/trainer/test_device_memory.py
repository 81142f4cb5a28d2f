"""The peak of a device's memory: of the run, of each epoch, and of its ordinary training steps."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from trainer.training.device_memory import PeakMemory, Peaks
from trainer.training.resource_monitor import ResourceMonitor


class Counts:
    """What an allocator counts: its peak since the last reset, which sets it to what is held now."""

    def __init__(self) -> None:
        self.held = self.peak = 0

    def takes(self, held: int, peak: int) -> None:
        self.held, self.peak = held, max(self.peak, peak)

    def max_memory_allocated(self, device: torch.device) -> int:
        return self.peak

    def reset_peak_memory_stats(self, device: torch.device) -> None:
        self.peak = self.held


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    counts = Counts()
    monkeypatch.setattr(torch, "get_device_module", lambda device: counts)
    return counts


def epoch(memory: PeakMemory, counts: Counts, *, first: int, ordinary: int, dense: int, probe: int) -> Peaks:
    for is_ordinary, peak in (
        (False, first),
        (True, ordinary),
        (True, ordinary - 1),
        (False, dense),
        (True, ordinary - 2),
    ):
        memory.enter(ordinary=is_ordinary)
        counts.takes(5, peak)
    memory.enter(ordinary=False)
    counts.takes(5, probe)
    return memory.end_epoch()


def test_an_epoch_s_peak_is_its_own_and_the_run_s_is_the_highest(counts: Counts) -> None:
    memory = PeakMemory(torch.device("cuda"))
    assert epoch(memory, counts, first=90, ordinary=80, dense=70, probe=60) == Peaks(90, 90, 80)
    assert epoch(memory, counts, first=50, ordinary=40, dense=95, probe=60) == Peaks(95, 95, 40)
    assert epoch(memory, counts, first=30, ordinary=20, dense=25, probe=28) == Peaks(95, 30, 20)


def test_what_frozen_neurons_free_shows_though_measuring_and_dense_steps_take_more(counts: Counts) -> None:
    memory = PeakMemory(torch.device("cuda"))
    before = epoch(memory, counts, first=100, ordinary=80, dense=80, probe=90)
    after = epoch(memory, counts, first=100, ordinary=30, dense=80, probe=90)
    assert (before.epoch, after.epoch) == (100, 100)
    assert (before.steps, after.steps) == (80, 30)


def test_an_epoch_without_an_ordinary_step_has_no_peak_of_one(counts: Counts) -> None:
    memory = PeakMemory(torch.device("cuda"))
    memory.enter(ordinary=False)
    counts.takes(5, 50)
    assert memory.end_epoch() == Peaks(50, 50, None)


def test_a_cpu_tells_of_the_process_alone() -> None:
    monitor = ResourceMonitor(torch.device("cpu"), None, None)
    told = monitor.epoch()
    assert told.peak_memory_bytes and told.peak_memory_bytes > 1_000_000
    assert (told.peak_device_memory_bytes, told.epoch_peak_device_memory_bytes) == (None, None)
    assert told.step_peak_device_memory_bytes is None


def test_a_part_of_a_gpu_is_found_by_its_own_kind_of_name() -> None:
    from trainer.training.resource_monitor import _handle

    asked: list[bytes] = []

    def find(name: bytes) -> str:
        asked.append(name)
        if not name.startswith(b"MIG-"):
            raise RuntimeError("not found")
        return "handle"

    nvml: Any = SimpleNamespace(nvmlDeviceGetHandleByUUID=find)
    assert _handle(nvml, "1234") == "handle" and asked == [b"GPU-1234", b"MIG-1234"]
