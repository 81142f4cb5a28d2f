"""Planning beside a device that works at its own pace: a step's time is told apart from its host's and from trials'."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neq import NEq
from neq.device.timing import Load
from neq.savings import measuring
from neq.savings.balance import weighed
from neq.savings.choice import WeightGradientTask
from tests.pretended.device import GPU, pretending

WIDTH, LAYERS = 64, 4


class Stream:
    """A device that does one thing after the other, not before it is told so; times in milliseconds of the host's
    clock, which goes on as the test says and where the host waits."""

    def __init__(self) -> None:
        self.now = self._ready = 0.0

    def works(self, ms: float) -> None:
        """It is told something that takes so long."""
        self._ready = self.through_at() + ms

    def through_at(self) -> float:
        """When it has done all that it was told, if it is told no more."""
        return max(self._ready, self.now)

    def wait_until(self, time: float) -> None:
        """The host waits."""
        self.host_works(max(0.0, time - self.now))

    def host_works(self, ms: float) -> None:
        """The host takes so long for something."""
        self.now += ms


class Event:
    """One of the stream's."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self._at = stream, stream.through_at()

    def query(self) -> bool:
        """Whether the stream is there."""
        return self._stream.now >= self._at

    def synchronize(self) -> None:
        """Waits for it."""
        self._stream.wait_until(self._at)

    def elapsed_time(self, end: "Event") -> float:
        """From this to that."""
        return end._at - self._at


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    """That of the pretended GPU, on which all rows of a layer take 4 ms and some take 1."""
    found = Stream()
    real, real_whole = WeightGradientTask.run, WeightGradientTask.whole

    def whole(task: WeightGradientTask) -> Any:
        found.works(4.0)
        found.host_works(0.01)
        return real_whole(task)

    def run(task: WeightGradientTask, way: Any, rows: Any) -> Any:
        found.works(1.0 if way == "rows" else 0.0)
        found.host_works(0.02)
        return real(task, way, rows)

    monkeypatch.setattr("neq.device.timing.event_now", lambda device: Event(found))
    for module in ("device.timing", "savings.trial"):
        monkeypatch.setattr(f"neq.{module}.perf_counter", lambda: found.now / 1e3)
    monkeypatch.setattr(measuring, "detour_ms", lambda device: 0.1)
    monkeypatch.setattr("neq.savings.trial.hold_up", lambda device, ms: found.works(ms))
    monkeypatch.setattr("neq.savings.step_load.hold_up", lambda device, ms: found.works(ms))
    monkeypatch.setattr("neq.savings.trial.synchronize", lambda device: found.wait_until(found.through_at()))
    monkeypatch.setattr(WeightGradientTask, "whole", whole)
    monkeypatch.setattr(WeightGradientTask, "run", run)
    measuring.forget()
    with pretending():
        yield found
    measuring.forget()


class Working(torch.autograd.Function):
    """Has the device and the host work in the forward and in the backward pass."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, stream: Stream, ms: float, host_ms: float) -> Tensor:
        """So long each."""
        ctx.stream, ctx.ms, ctx.host_ms = stream, ms, host_ms
        stream.works(ms)
        stream.host_works(host_ms)
        return inputs.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        """The device twice as long."""
        ctx.stream.works(2 * ctx.ms)
        ctx.stream.host_works(ctx.host_ms)
        return gradient, None, None, None


class Layered(nn.Module):
    """Layers that take the device and the host so long each."""

    def __init__(self, stream: Stream, ms: float, host_ms: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(LAYERS))
        self._stream, self._ms, self._host_ms = stream, ms, host_ms

    def forward(self, inputs: Tensor) -> Tensor:
        for layer in self.layers:
            inputs = Working.apply(layer(inputs), self._stream, self._ms, self._host_ms)
        return inputs


def step(
    stream: Stream, ms: float, monkeypatch: pytest.MonkeyPatch, *, host_ms: float = 0.0, reads: bool = False
) -> tuple[set[str], Load]:
    """The kinds of plan after a first step on layers that take the device so long; and what it was found to take.

    Args:
        host_ms: that they take the host, beside what running them takes.
        reads: the loss, between the forward and the backward pass.
    """
    loads: list[Load] = []

    def noted(layers: Any, measured: Load) -> Any:
        loads.append(measured)
        return weighed(layers, measured)

    monkeypatch.setattr(measuring, "weighed", noted)
    model = Layered(stream, ms, host_ms).to(GPU)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    inputs = torch.randn(8, WIDTH, device=GPU)
    neq = NEq(model, optimizer, [inputs])
    frozen = {f"layers.{place}": torch.arange(WIDTH) >= 16 for place in range(LAYERS)}
    neq.freeze(frozen)
    loss = model(inputs).square().mean()
    if reads:
        stream.wait_until(stream.through_at())
    loss.backward()
    optimizer.step()
    plans = neq.plans()
    return {plans[name].kind for name in frozen}, loads[0]


def test_a_step_s_time_is_the_device_s_and_the_host_s_own_without_trials_and_without_waiting_for_each_other(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds, load = step(stream, 50.0, monkeypatch, host_ms=1.0)
    assert load.device == pytest.approx(LAYERS * 3 * 50.0)
    assert load.host == pytest.approx(LAYERS * 2 * 1.0)
    assert kinds == {"rows"}


def test_a_step_that_takes_its_host_longer_computes_all_rows(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds, load = step(stream, 0.5, monkeypatch, host_ms=3.0)
    assert (load.device, load.host) == pytest.approx((LAYERS * 3 * 0.5, LAYERS * 2 * 3.0))
    assert kinds == {"dense"}  # 16 ms of the device for all rows of all layers, 24 of the host


def test_where_the_loss_is_read_the_forward_pass_counts_for_neither(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds, load = step(stream, 50.0, monkeypatch, host_ms=1.0, reads=True)
    # The backward passes of three layers lie behind the trial of the last one.
    assert (load.device, load.host) == pytest.approx(((LAYERS - 1) * 2 * 50.0, LAYERS - 1))
    assert kinds == {"rows"}


def test_a_step_whose_host_is_far_behind_counts_for_neither(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    _, load = step(stream, 0.5, monkeypatch, host_ms=100.0)
    assert load == Load(0.0, 0.0)  # the device waited for its host in every piece
