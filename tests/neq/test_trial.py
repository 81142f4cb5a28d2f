"""Trials of a device that computes while its host goes on: what is told apart there, and which time counts."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neq.device.blocks import neurons_together, rows_together
from neq.device.timing import Load
from neq.savings import step_load
from neq.savings.choice import WeightGradientTask
from neq.savings.gradients import Geometry, Rows
from neq.savings.step_load import StepLoad
from neq.savings.trial import compared, tolerance, uses_tf32

GPU = torch.device("cuda:0")


def task(dtype: torch.dtype = torch.float32) -> WeightGradientTask:
    """A linear layer of 64 neurons, half of them frozen, whose gradients differ widely in size."""
    torch.manual_seed(0)
    sizes = torch.logspace(-3, 3, 64)
    inputs, gradient = torch.randn(200, 40).to(dtype), (torch.randn(200, 64) * sizes).to(dtype)
    return WeightGradientTask(
        Geometry(()), inputs, gradient, torch.zeros(64, 40, dtype=dtype), True, torch.arange(64) % 2 == 0
    )


def differing(monkeypatch: pytest.MonkeyPatch, change: float, *, row: int) -> bool:
    """Whether a row of the active ones that is off by a share of its norm is told."""
    own = task()
    found = [part.clone() for part in own.run("rows", own.rows())]
    found[0][row] *= 1 + change
    real = WeightGradientTask.run
    monkeypatch.setattr(
        WeightGradientTask, "run", lambda self, way, rows: found if way == "rows" else real(self, way, rows)
    )
    verdict = compared(own, own.rows())
    assert bool(verdict.finite)
    return not bool(verdict.same)


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_the_same_rows_computed_alone_are_told_to_be_the_same(kind: torch.dtype) -> None:
    own = task(kind)
    verdict = compared(own, own.rows())
    assert (bool(verdict.same), bool(verdict.finite)) == (True, True)


@pytest.mark.parametrize("row", [1, 63])
def test_a_row_is_compared_with_its_own_size_however_large_others_are(
    monkeypatch: pytest.MonkeyPatch, row: int
) -> None:
    with monkeypatch.context() as patched:
        assert differing(patched, 3e-4, row=row)  # what TF32 and float32 differ by
    with monkeypatch.context() as patched:
        assert not differing(patched, 1e-6, row=row)


def test_gradients_that_are_not_finite_tell_nothing() -> None:
    own = task()
    own.gradient[3, 5] = torch.inf
    assert not bool(compared(own, own.rows()).finite)


@pytest.mark.parametrize(
    ("kind", "share"),
    [(torch.float32, 7.7e-6), (torch.bfloat16, 0.032), (torch.float16, 0.0040), (torch.float64, 2e-14)],
)
def test_rounding_is_allowed_for_by_the_bits_that_the_kernels_reckon_in(kind: torch.dtype, share: float) -> None:
    assert tolerance(task(kind)) == pytest.approx(share, rel=0.5)


@pytest.mark.parametrize("geometry", [Geometry(()), Geometry((1, 1), (1, 1), (1, 1))])
def test_where_float32_products_use_tf32_its_bits_are_allowed_for(
    monkeypatch: pytest.MonkeyPatch, geometry: Geometry
) -> None:
    backends: Any = torch.backends
    switch = backends.cudnn.conv if geometry.stride else backends.cuda.matmul
    own = task()
    there = WeightGradientTask(geometry, own.inputs, _OnGpu(own.gradient), own.weight, True, own.mask)  # type: ignore[arg-type]
    before = switch.fp32_precision
    try:
        for precision, used in (("tf32", True), ("ieee", False)):
            switch.fp32_precision = precision
            assert uses_tf32(there) is used
            assert (tolerance(there) > 1e-3) is used
    finally:
        switch.fp32_precision = before


class _OnGpu:
    """What is asked of a tensor that lies on a GPU."""

    def __init__(self, tensor: Tensor) -> None:
        self.device, self.dtype = GPU, tensor.dtype


class _Clock:
    """A device that is where it is told to be, in milliseconds, and its events."""

    def __init__(self) -> None:
        self.told = self.done = 0.0

    def event(self, device: torch.device) -> "_Event":
        return _Event(self, self.told)


class _Event:
    def __init__(self, clock: _Clock, at: float) -> None:
        self._clock, self._at = clock, at

    def query(self) -> bool:
        return self._clock.done >= self._at

    def synchronize(self) -> None:
        self._clock.done = max(self._clock.done, self._at)

    def elapsed_time(self, end: "_Event") -> float:
        return end._at - self._at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Clock]:
    found = _Clock()
    monkeypatch.setattr("neq.device.timing.event_now", found.event)
    monkeypatch.setattr(step_load, "hold_up", lambda device, ms: setattr(found, "told", found.told + ms))
    yield found


def test_a_step_is_what_lies_between_its_trials(clock: _Clock) -> None:
    load = StepLoad()
    load.begin(GPU)
    clock.told += 3  # the forward pass
    load.pause(GPU)
    clock.told += 50  # a trial
    load.resume(GPU)
    load.begin(GPU)  # a later layer is called: the step has begun already
    clock.told += 4
    load.end()
    assert load.read().device == 7


def test_a_piece_in_which_the_host_may_have_waited_counts_for_neither(clock: _Clock) -> None:
    load = StepLoad()
    load.begin(GPU)
    clock.told += 3
    clock.done = clock.told  # somebody reads the loss
    load.pause(GPU)
    load.resume(GPU)
    clock.done = clock.told  # and the device has nothing to do while its host goes on telling
    load.end()
    assert load.read() == Load(0.0, 0.0)


def test_the_device_is_held_up_for_a_few_steps_only(clock: _Clock) -> None:
    load = StepLoad()
    for _ in range(10):
        load.begin(GPU)
        load.forget()
    assert clock.told == step_load.MOST_TIMES * step_load.HELD_UP_MS


def test_a_gpu_fills_rows_up_to_8_and_rounds_neurons_to_64_and_a_cpu_to_16() -> None:
    cpu = torch.device("cpu")
    assert (rows_together(GPU), neurons_together(GPU)) == (8, 64)
    assert (rows_together(cpu), neurons_together(cpu)) == (16, 16)
    mask = torch.arange(100) >= 17
    assert [Rows.of(mask, rows_together(device)).computed.numel() for device in (GPU, cpu)] == [24, 32]


def test_no_convolution_is_turned_about_but_on_a_cpu() -> None:
    module = nn.Conv2d(16, 16, 3, padding=1)
    geometry = Geometry.of(module)
    assert geometry is not None
    mask = torch.arange(16) >= 4
    inputs = torch.zeros(2, 16, 5, 5)
    on_cpu = WeightGradientTask(geometry, inputs, inputs, module.weight, True, mask)
    on_gpu = WeightGradientTask(geometry, inputs, _OnGpu(inputs), module.weight, True, mask)  # type: ignore[arg-type]
    assert on_cpu.ways(on_cpu.rows()) == ("transposed",)
    assert on_gpu.ways(Rows.of(mask, 8)) == ("rows",)
