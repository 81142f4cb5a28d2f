"""Counted operations and told plans of networks that can be worked by hand."""

from collections.abc import Iterable
from statistics import median
from typing import Any, get_args

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.utils.flop_counter import FlopCounterMode

from contract import costs
from neq import LayerFilter, NEq
from neq.freeze import plan
from tests.pretended.device import GPU, counted, pretending
from trainer.training.clock import StepClock
from trainer.training.costs import CostRecorder

IMAGE = torch.zeros(1, 30)


def network() -> nn.Module:
    return nn.Sequential(
        nn.Linear(30, 64), nn.BatchNorm1d(64), nn.Dropout(), nn.ReLU(), nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10)
    )


def frozen(neq: NEq) -> dict[str, torch.Tensor]:
    """The first layer and its norm whole, and half of the second."""
    masks = {"0": torch.ones(64, dtype=torch.bool), "1": torch.ones(64, dtype=torch.bool)}
    return {name: mask for name, mask in {**masks, "4": torch.arange(48) < 24}.items() if name in names(neq)}


def names(neq: NEq) -> set[str]:
    return {layer.name for layer in neq.layers}


def step(model: nn.Module, optimizer: SGD, images: int = 6) -> None:
    optimizer.zero_grad()
    model(torch.randn(images, 30)).square().mean().backward()
    optimizer.step()


@pytest.mark.parametrize("savings", ["rows", False])
def test_what_is_done_what_was_dense_and_what_is_least_by_hand(savings: Any) -> None:
    model = network()
    optimizer = SGD(model.parameters(), lr=0.1)
    with NEq(model, optimizer, [torch.randn(4, 30)], savings=savings) as neq:
        costs = CostRecorder(model, neq, IMAGE)
        step(model, optimizer)
        neq.freeze(frozen(neq))
        step(model, optimizer)
        step(model, optimizer)
        flops = costs.flops()
        with FlopCounterMode(display=False) as torchs:
            step(model, optimizer)
    # Multiply-adds: 30 · 64 = 1,920, 64 · 48 = 3,072, 48 · 10 = 480. The first layer's input needs no gradient.
    assert flops.forward == flops.dense_weights == 2 * (1920 + 3072 + 480)
    assert flops.dense_inputs == 2 * (3072 + 480)
    # With the first layer and its norm at rest nobody needs the gradient of the second's input; half of its rows move.
    assert flops.least_inputs == 2 * 480
    assert flops.least_weights == 2 * (1536 + 480)
    assert flops.ceiling == (10944 + 7104 + 10944) / (10944 + 960 + 4032)
    if savings:  # 24 moving rows fill two blocks of 16
        assert (flops.inputs, flops.weights) == (2 * 480, 2 * (3072 * 32 // 48 + 480))
    else:
        assert (flops.inputs, flops.weights) == (flops.dense_inputs, flops.dense_weights)
    assert 6 * (flops.forward + flops.inputs + flops.weights) == torchs.get_total_flops()
    # The paper's count has no gradients by inputs, and norms as two multiply-adds a value: here they are frozen.
    assert flops.paper == 2 * (1536 + 480)


def test_layers_that_are_not_watched_are_counted_all_the_same() -> None:
    model = network()
    with NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(4, 30)], layers=LayerFilter(only=("4",))) as neq:
        costs = CostRecorder(model, neq, IMAGE)
        neq.freeze(frozen(neq))
        flops = costs.flops()
    assert flops.forward == 10944
    assert (flops.least_inputs, flops.least_weights) == (flops.dense_inputs, 10944 - 3072)


def test_counting_leaves_the_network_and_the_random_numbers_as_they_are() -> None:
    model = network().train()
    optimizer = SGD(model.parameters(), lr=0.1)
    with NEq(model, optimizer, [torch.randn(4, 30)]) as neq:
        costs = CostRecorder(model, neq, IMAGE)
        step(model, optimizer)
        neq.freeze(frozen(neq))
        before = {name: value.clone() for name, value in model.state_dict().items()}
        needed = [parameter.requires_grad for parameter in model.parameters()]
        random = torch.get_rng_state()
        costs.flops()
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert [parameter.requires_grad for parameter in model.parameters()] == needed
        assert torch.equal(torch.get_rng_state(), random)
        assert all(module.training for module in model.modules())


def clock(seconds: Iterable[float], *, batches: int, batches_a_step: int = 1) -> StepClock:
    """One that reads these times, one after the other."""
    return StepClock(torch.device("cpu"), batches, batches_a_step, iter(seconds).__next__)


def test_the_first_step_is_left_out_and_what_a_step_takes_is_shared_out() -> None:
    # Begin, after forward, after backward, after the optimizer: which moves after every second batch.
    read = [0.0, 0.5, 0.9, 0.9, 1.0, 1.5, 2.5, 2.75, 3.0, 3.010, 3.030, 3.030, 4.0, 4.030, 4.070, 4.076]
    four = clock(read, batches=4, batches_a_step=2)
    four.begin_epoch()
    for batch in range(4):
        four.begin(batch)
        for _ in range(3):
            four.lap()
    told = four.timed()
    assert [each.forward for each in told.ordinary] == pytest.approx([10, 30])
    assert [each.backward for each in told.ordinary] == pytest.approx([20, 40])
    assert [each.optimizer for each in told.ordinary] == pytest.approx([3, 3])
    assert told.first == pytest.approx(900)
    assert len(told.wall) == 2


def test_an_epoch_of_one_batch_is_timed_by_it() -> None:
    one = clock([0.0, 0.010, 0.030, 0.031], batches=1)
    one.begin_epoch()
    one.begin(0)
    for _ in range(3):
        one.lap()
    told = one.timed()
    (batch,) = told.ordinary
    assert (batch.forward, batch.backward, batch.optimizer, told.first) == pytest.approx((10, 20, 1, 31))


def test_on_a_cpu_it_reads_the_time_of_the_thread_or_with_several_of_the_process() -> None:
    threads = torch.get_num_threads()
    try:
        for count, kind in ((1, "thread"), (2, "process")):
            torch.set_num_threads(count)
            assert StepClock(torch.device("cpu"), 1, 1).kind == kind
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("device", ["cuda:0", "mps", "xpu"])
def test_on_any_other_device_it_reads_the_device_s_own_clock(device: str) -> None:
    assert StepClock(torch.device(device), 1, 1).kind == "device"


def test_no_step_on_a_gpu_waits_for_being_timed() -> None:
    timer = StepClock(GPU, batches=4, batches_a_step=1)

    def epoch() -> None:
        timer.begin_epoch()
        for batch in range(4):
            timer.begin(batch)
            for _ in range(3):
                timer.lap()

    with pretending():
        assert counted(epoch).waits == 0
        assert len(timer.timed().ordinary) == 3
        assert counted(timer.seconds).waits == 1  # between batches


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_s_steps_are_timed_by_its_own_events() -> None:
    timer = StepClock(torch.device("cuda"), batches=1000, batches_a_step=2)
    big = torch.randn(4096, 4096, device="cuda")
    big @ big
    timer.begin_epoch()
    for batch in range(1000):
        timer.begin(batch)
        big @ big
        timer.lap()
        big @ big
        big @ big
        timer.lap()
        timer.lap()
    told = timer.timed().ordinary
    assert 30 < len(told) < 60  # of 24 steps of two batches or some more, without the first
    forward, backward = median(each.forward for each in told), median(each.backward for each in told)
    assert forward > 0.5  # 137 GFLOP
    assert backward == pytest.approx(2 * forward, rel=0.3)
    assert median(each.optimizer for each in told) < 0.1


def test_every_kind_of_plan_can_be_told() -> None:
    """Events know no torch and NEq knows no events: each names the kinds itself."""
    assert get_args(costs.PlanKind) == get_args(plan.PlanKind)
