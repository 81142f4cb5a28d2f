"""What a run tells besides its neurons: what an epoch cost, which code it was, and where NEq cannot matter."""

import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from contract.config import RunConfig
from contract.events import EpochFinished, Logged, RunStarted, parse_event
from tests.trainer.test_train import SMALL, epochs_of, run
from trainer.engines.environment import Workplace
from trainer.training import resource_monitor, train
from trainer.training.device import commit
from trainer.training.resource_monitor import EnergyMonitor, GpuMonitor, ResourceMonitor, monitor_resources

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")


def told(tmp_path: Path, **changes: Any) -> tuple[RunStarted, list[str]]:
    """How a run begins, and the warnings in its log."""
    running = train(RunConfig.model_validate(SMALL | changes), Workplace(tmp_path, "cpu", 1))
    events = [next(running) for _ in range(2)]
    running.close()
    assert isinstance(events[0], RunStarted)
    return events[0], [each.text for each in events if isinstance(each, Logged) and each.level == "warning"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"neq": {"epsilon": 0, "probe": {"samples": 8}}}, "neq.epsilon is 0"),
        ({"neq": {"select": {"kind": "none"}, "probe": {"samples": 8}}}, "the rule is `none`"),
        ({"neq": {"layers": {"never_freeze": ["*"]}, "probe": {"samples": 8}}}, "never_freeze names every"),
        ({"training": {"epochs": 2, "batch_size": 20}}, "the run ends after 2 epochs"),
    ],
)
def test_a_run_in_which_nothing_can_freeze_says_so_at_its_beginning(tmp_path: Path, changes: Any, words: str) -> None:
    started, warnings = told(tmp_path, **changes)
    assert len(started.warnings) == 1 and words in started.warnings[0]
    assert warnings == list(started.warnings)


@pytest.mark.parametrize("neq", [{}, {"epsilon": 0, "select": {"kind": "random"}}], ids=str)
def test_a_run_in_which_something_may_freeze_is_not_doubted(tmp_path: Path, neq: dict[str, Any]) -> None:
    started, warnings = told(tmp_path, neq=SMALL["neq"] | neq)
    assert started.warnings == () and warnings == []


def test_each_epoch_tells_its_pace_and_memory(tmp_path: Path) -> None:
    for epoch in epochs_of(run(tmp_path)):
        assert epoch.samples_per_second == pytest.approx(200 / epoch.seconds.train, rel=0.01)
        assert epoch.samples == 200 and epoch.device_seconds is None
        assert epoch.cpu_seconds is not None and 0 < epoch.cpu_seconds < 64 * epoch.seconds.train
        assert epoch.resources is not None and epoch.resources.peak_memory_bytes is not None
        status = Path("/proc/self/status").read_text()
        peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
        assert epoch.resources.peak_memory_bytes == pytest.approx(peak, rel=0.2)
        assert epoch.resources.device_watts is None and epoch.resources.energy_kwh is None


def test_the_commit_is_gits_own_word() -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent)
    if head.returncode:
        assert commit() is None
    else:
        assert str(commit()).removesuffix("-dirty") == head.stdout.strip()


@pytest.mark.process
def test_energy_is_measured_offline_where_a_country_is_named(tmp_path: Path) -> None:
    pytest.importorskip("codecarbon", reason="the extra `energy` is not installed")
    events = list(train(RunConfig.model_validate(SMALL), Workplace(tmp_path, "cpu", 1, country="DEU")))
    costs = [epoch.resources for epoch in epochs_of(events)]
    assert all(cost and cost.energy_kwh and cost.energy_kwh > 0 and cost.co2_kg for cost in costs)
    ratios = [cost.co2_kg / cost.energy_kwh for cost in costs if cost and cost.co2_kg and cost.energy_kwh]
    assert ratios == pytest.approx([ratios[0]] * 5, rel=1e-3) and 0.1 < ratios[0] < 0.8, "kg a kWh, as in Germany"
    assert not list(Path.cwd().glob("emissions*")), "it writes no file"


def test_what_cannot_be_measured_is_said_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(resource_monitor, "import_module", missing)
    with monitor_resources(CPU, "DEU") as (measure, words):
        assert "install codecarbon" in words[0]
        assert measure.epoch().energy_kwh is None
    with monitor_resources(CPU, None) as (_, words):
        assert words == []


def test_an_energy_meter_that_breaks_is_left_alone() -> None:
    class Broken:
        def start_task(self) -> None: ...

        def stop_task(self) -> None:
            raise RuntimeError("no power")

    measure = ResourceMonitor(CPU, None, EnergyMonitor(Broken()))
    assert (measure.epoch().co2_kg, measure.epoch().energy_kwh) == (None, None)


def test_a_gpus_use_and_power_are_means_since_they_were_last_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """NVML as its documentation has it: use in percent, power in milliwatts."""
    monkeypatch.setattr(resource_monitor, "SAMPLE_SECONDS", 0.001)
    readings, full = iter([(100, 300_000), (50, 100_000)]), threading.Event()

    def use(handle: object) -> Any:
        nonlocal power
        try:
            percent, power = next(readings)
        except StopIteration:
            full.set()
            raise
        return SimpleNamespace(gpu=percent)

    power = 0
    gpu = GpuMonitor(
        SimpleNamespace(nvmlDeviceGetUtilizationRates=use, nvmlDeviceGetPowerUsage=lambda handle: power), None
    )
    assert full.wait(20)
    taken = gpu.take()
    assert taken is not None and (taken.use, taken.watts) == (0.75, 200.0)
    assert gpu.take() is None
    gpu.close()


def test_there_is_no_gpu_meter_on_a_cpu() -> None:
    assert GpuMonitor.of(CPU) is None


def test_events_that_were_stored_before_are_still_read() -> None:
    """As the first version wrote them: without pace, costs, plans, checkpoint, commit and warnings."""
    counts = {name: [0] for name in ("applied", "frozen", "froze", "thawed")}
    old = {
        "kind": "epoch_finished",
        "epoch": 0,
        "learning_rate": 0.1,
        "train_loss": 1.0,
        "train_accuracy": 0.5,
        "test_loss": 1.0,
        "test_accuracy": 0.5,
        "applied_fraction": 0.0,
        "frozen_fraction": 0.0,
        "layers": {**counts, "phi_mean": [1.0], "speed_mean": [None], "velocity_histogram": [None]},
        "seconds": {"train": 1.0, "probe": 0.1, "evaluate": 0.1, "record": 0.0},
    }
    event = parse_event(old)
    assert isinstance(event, EpochFinished)
    assert (event.checkpoint, event.resources, event.samples_per_second, event.seconds.checkpoint) == (None,) * 3 + (
        0.0,
    )
    assert (event.step_ms, event.flops, event.beyond_fraction, event.layers.plans, event.layers.beyond) == (None,) * 5
