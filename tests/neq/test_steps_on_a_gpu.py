"""A training step with frozen neurons asks no more of a GPU than the plain one, but for a handful of kernels."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from neq import NEq
from tests.neq.schedule_free import ScheduleFree
from tests.pretended.device import Counts, capturing, counted, plain, pretending
from tests.pretended.networks import first_layers, random_masks, resnet32
from tests.pretended.networks import step as plain_step

pytestmark = pytest.mark.slow

MORE = 12
"""Kernels that a step with frozen neurons may take beside the plain step's."""

MORE_WHERE_VALUES_ARE_COMPARED = 60
"""The same before the steps 1, 2, 4, 8, …."""


class Decayed(SGD):
    """Of a kind that is not known to may pass over parameters: layers that are frozen whole get gradients of zeros."""


def in_training(optimizer: ScheduleFree) -> ScheduleFree:
    optimizer.train()
    return optimizer


OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "sgd fused": lambda p: SGD(p, lr=0.02, momentum=0.9, weight_decay=0.01, fused=True),
    "sgd foreach": lambda p: SGD(p, lr=0.02, momentum=0.9, weight_decay=0.01, foreach=True),
    "sgd one by one": lambda p: SGD(p, lr=0.02, momentum=0.9, weight_decay=0.01, foreach=False),
    "sgd unknown": lambda p: Decayed(p, lr=0.02, momentum=0.9, weight_decay=0.01, foreach=True),
    "schedule-free": lambda p: in_training(ScheduleFree(p, lr=0.02, weight_decay=0.01)),
    "adam fused": lambda p: Adam(p, lr=0.002, weight_decay=0.01, fused=True),
    "adam foreach": lambda p: Adam(p, lr=0.002, weight_decay=0.01, foreach=True),
    "adamw fused": lambda p: AdamW(p, lr=0.002, weight_decay=0.1, fused=True),
    "adamw one by one": lambda p: AdamW(p, lr=0.002, weight_decay=0.1, foreach=False),
}

MASKS: dict[str, Callable[[NEq], dict[str, Tensor]]] = {
    "random": lambda neq: random_masks(neq, 0.5),
    "whole layers": lambda neq: first_layers(neq, 0.6),
    "both": lambda neq: random_masks(neq, 0.5) | first_layers(neq, 0.4),
}


CASES = [("sgd fused", masks) for masks in MASKS] + [(optimizer, "both") for optimizer in OPTIMIZERS][1:]


def network() -> nn.Sequential:
    """One layer of every kind that lays out its neurons in its own way; the last but one has a large weight."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 6, 3),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(6, 4, 2, groups=2),
        nn.GroupNorm(2, 4),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.LayerNorm([4, 3, 3]),
        nn.Conv2d(4, 4, 1),
        nn.Flatten(),
        nn.Linear(36, 700),
        nn.Linear(700, 400),
        nn.Linear(400, 5),
    )


class Training:
    """The network above in steps of one kind, on one device."""

    def __init__(self, device: str, optimizer: str, precision: str = "float32", **options: Any) -> None:
        self.model = network().to(device).to(memory_format=torch.channels_last)
        self.device, self.precision = device, precision
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.scaler = torch.amp.GradScaler(device, init_scale=2.0**8, enabled=precision == "float16")
        self.clip, self.spoil, self.seed = False, 1.0, 0
        self.inputs = [torch.randn(4, 2, 6, 6, generator=torch.Generator().manual_seed(n)).to(device) for n in range(4)]
        for _ in range(2):
            self.step()
        self.neq = NEq(self.model, self.optimizer, [self.inputs[0]], **options)

    def backward(self) -> None:
        reduced = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(self.precision)
        self.seed += 1
        with torch.autocast(self.device, dtype=reduced, enabled=reduced is not None):
            output = self.model(self.inputs[self.seed % 4])
        self.scaler.scale(output.float().square().mean() * self.spoil).backward()

    def step(self, accumulated: int = 1) -> None:
        self.optimizer.zero_grad()
        for _ in range(accumulated):
            self.backward()
        if self.clip:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), 0.1)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def numbers(self) -> dict[str, Tensor]:
        """Weights, buffers and the optimizer's state."""
        states = {
            f"{number}.{key}": value
            for number, state in enumerate(self.optimizer.state.values())
            for key, value in state.items()
            if isinstance(value, Tensor)
        }
        return {name: plain(value).clone() for name, value in (*self.model.state_dict().items(), *states.items())}


@pytest.fixture(autouse=True)
def _pretended() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pretending():
        yield
    torch.set_num_threads(threads)


def frozen_training(device: str, optimizer: str, masks: str, precision: str = "float32", **options: Any) -> Training:
    training = Training(device, optimizer, precision, **({"savings": False} | options))
    training.neq.freeze(MASKS[masks](training.neq))
    return training


def settled(training: Training) -> Counts:
    """What a step asks for, once plans are made and none is due in which values are compared."""
    for _ in range(5):
        training.step()
    return counted(training.step)


def same_bits(ours: dict[str, Tensor], others: dict[str, Tensor]) -> list[str]:
    """Names of what differs by a bit; NaN are compared as bits too."""
    as_bits = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return [
        name
        for name, value in ours.items()
        if not torch.equal(value.view(as_bits[value.itemsize]), others[name].view(as_bits[value.itemsize]))
    ]


@pytest.mark.parametrize(("optimizer", "masks"), CASES)
def test_a_step_waits_as_often_as_the_plain_one_and_takes_a_handful_of_kernels_more(optimizer: str, masks: str) -> None:
    usual = settled(Training("cuda", optimizer))
    counts = settled(frozen_training("cuda", optimizer, masks, savings=masks == "whole layers"))
    assert counts.waits == usual.waits == 0, counts.where
    assert counts.kernels <= usual.kernels + MORE, counts.by_kernel - usual.by_kernel
    assert not any("index" in name for name in counts.by_kernel)  # for which deterministic algorithms sort


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("optimizer", ["sgd fused", "sgd foreach", "adamw fused"])
def test_so_it_is_in_reduced_precision_with_clipping_and_accumulation(optimizer: str, precision: str) -> None:
    found = []
    for training in (Training("cuda", optimizer, precision), frozen_training("cuda", optimizer, "random", precision)):
        training.clip = True
        for _ in range(3):
            training.step(2)
        found.append(counted(lambda training=training: training.step(2)))
    usual, counts = found
    assert counts.waits == usual.waits, counts.where  # torch's scaler looks once itself
    assert counts.kernels <= usual.kernels + MORE, counts.by_kernel - usual.by_kernel


def test_rows_that_an_index_holds_there_are_zeroed_without_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neq.freeze.holding.by_index", lambda parameter: True)  # as where parameters are sharded
    counts = settled(frozen_training("cuda", "sgd fused", "random"))
    assert counts.waits == 0, counts.where


def test_what_schedule_free_optimizers_average_with_is_kept_by_few_kernels_too() -> None:
    found = []
    for masks in (None, "random"):
        training = Training("cuda", "schedule-free", savings=False)
        if masks:
            training.neq.freeze(MASKS[masks](training.neq))
        found.append(settled(training))
    usual, counts = found
    assert counts.waits == usual.waits == 0, counts.where
    assert counts.kernels <= usual.kernels + MORE, counts.by_kernel - usual.by_kernel


@pytest.mark.parametrize("kind", ["rows", "zeros", "stopped"])
def test_so_it_is_under_every_plan_of_the_backward_pass(kind: str) -> None:
    optimizer = "sgd unknown" if kind == "zeros" else "sgd fused"
    masks = "random" if kind == "rows" else "whole layers"
    training = frozen_training("cuda", optimizer, masks, savings="rows" if kind == "rows" else True)
    counts = settled(training)
    assert kind in {plan.kind for plan in training.neq.plans().values()}
    assert counts.waits == 0, counts.where
    if kind == "stopped":  # what no step touches is not put back
        assert counts.by_kernel["_foreach_add_"] == counts.by_kernel["_foreach_mul_"] == 0


def test_before_some_steps_values_are_compared_without_a_wait() -> None:
    usual = settled(Training("cuda", "sgd fused")).kernels
    training = frozen_training("cuda", "sgd fused", "random")
    found = [counted(training.step) for _ in range(10)]
    assert [counts.waits for counts in found] == [0] * 10
    more = [counts.kernels - usual > MORE for counts in found]
    assert [number for number, compared in enumerate(more) if compared] == [0, 1, 2, 4, 8]
    assert max(counts.kernels for counts in found) <= usual + MORE_WHERE_VALUES_ARE_COMPARED


def test_resnet32_with_half_of_its_neurons_frozen_takes_at_most_twelve_kernels_more() -> None:
    model = resnet32().to("cuda").to(memory_format=torch.channels_last)
    optimizer = SGD(model.parameters(), lr=1e-4, momentum=0.9, fused=True)
    inputs = torch.randn(2, 3, 16, 16, device="cuda")

    def run() -> None:
        plain_step(model, optimizer, inputs)

    run()
    usual = counted(run)
    neq = NEq(model, optimizer, [inputs], savings=False)
    neq.freeze(random_masks(neq, 0.5))
    for _ in range(3):
        run()
    counts = counted(run)
    assert (usual.waits, counts.waits) == (0, 0), counts.where
    assert counts.kernels <= usual.kernels + MORE, counts.by_kernel - usual.by_kernel


@pytest.mark.parametrize(("optimizer", "masks"), CASES)
def test_rows_held_by_masks_give_the_bits_of_rows_held_by_an_index(optimizer: str, masks: str) -> None:
    numbers = []
    for device in ("cuda", "cpu"):
        training = frozen_training(device, optimizer, masks)
        before = training.numbers()
        for place in range(6):
            training.clip = place % 2 == 1
            training.step(1 + place % 3)
        training.neq.freeze({})
        training.step()
        numbers.append(training.numbers())
        assert same_bits(training.numbers(), before)
    assert same_bits(*numbers) == []


@pytest.mark.parametrize("kind", ["rows", "zeros", "stopped"])
def test_so_it_is_under_every_plan(kind: str) -> None:
    optimizer = "sgd unknown" if kind == "zeros" else "sgd fused"
    numbers = []
    for device in ("cuda", "cpu"):
        masks = "random" if kind == "rows" else "whole layers"
        training = frozen_training(device, optimizer, masks, savings="rows" if kind == "rows" else True)
        for _ in range(4):
            training.step()
        assert kind in {plan.kind for plan in training.neq.plans().values()}
        training.neq.freeze({})
        training.step()
        numbers.append(training.numbers())
    assert same_bits(*numbers) == []


@pytest.mark.parametrize("spoil", [float("nan"), float("inf")])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_so_it_is_after_steps_with_gradients_that_are_not_finite(precision: str, spoil: float) -> None:
    numbers = []
    for device in ("cuda", "cpu"):
        training = frozen_training(device, "sgd fused", "random", precision)
        for place in range(4):
            training.spoil = spoil if place == 2 else 1.0
            training.step()
        numbers.append(training.numbers())
    frozen = random_masks(training.neq, 0.5)["9"]
    weight = numbers[0]["9.weight"]
    assert bool(weight[frozen].isfinite().all())
    assert bool(weight[~frozen].isfinite().all()) == (precision == "float16")  # the scaler leaves that step out
    assert same_bits(*numbers) == []


def test_nothing_of_a_step_waits_or_compares_while_a_cuda_graph_is_captured() -> None:
    training = frozen_training("cuda", "sgd fused", "both")
    for _ in range(4):
        training.step()
    before = training.numbers()
    with capturing():
        counts = counted(training.step)  # the fifth step, before which values would be compared
    assert "_foreach_norm" not in counts.by_kernel
    assert same_bits(training.numbers(), before)
    assert training.neq.end_epoch().layers


def test_gradients_are_zeroed_by_the_end_of_the_backward_pass() -> None:
    training = frozen_training("cuda", "sgd fused", "random")
    training.optimizer.zero_grad()
    training.backward()
    masks = random_masks(training.neq, 0.5)
    for name in ("0", "1", "3", "6", "9", "10"):
        layer = training.neq.layers[[one.name for one in training.neq.layers].index(name)]
        for parameter in layer.parameters():
            assert parameter.grad is not None
            rows = layer.by_neuron(plain(parameter.grad))
            assert not rows[masks[name]].any(), name
            assert rows[~masks[name]].any(), name


def test_a_gradient_that_lies_in_another_way_than_its_parameter_takes_no_kernel_of_its_own() -> None:
    training = frozen_training("cuda", "sgd fused", "random")
    training.step()
    weight = training.model[7].weight  # of 1 x 1: in channels-last its strides may be either's
    assert weight.grad is not None
    weight.grad = weight.grad.contiguous(memory_format=torch.contiguous_format).as_strided(weight.shape, (4, 1, 1, 1))
    assert weight.grad.stride() != weight.stride()
    group = training.neq._freezer._holding._groups[0]
    counts = [counted(lambda: group.zero_together(range(len(group.parameters)))).kernels for _ in range(2)]
    assert counts == [2, 1]  # once its mask is laid out as it lies


@pytest.mark.parametrize("name", ["9", "10"])
def test_what_moved_is_read_at_the_end_of_an_epoch_in_few_waits(name: str) -> None:
    training = frozen_training("cuda", "sgd fused", "random")
    training.step()
    freezer = training.neq._freezer
    assert counted(freezer.moved).waits == 1
    frozen = int(random_masks(training.neq, 0.5)[name].nonzero()[0])
    with torch.no_grad():
        training.model[int(name)].weight[frozen].mul_(2)
    training.step()
    assert counted(freezer.moved).waits <= 4
    moved, steps = freezer.moved()[name]
    assert moved.nonzero().flatten().tolist() == [frozen]
    assert steps == 1


def test_states_of_a_run_go_from_the_cpu_to_a_gpu_and_back() -> None:
    here = frozen_training("cpu", "adamw fused", "random")
    for _ in range(3):
        here.step()
    there = Training("cuda", "adamw fused", savings=False)
    there.seed = here.seed
    there.model.load_state_dict(copy.deepcopy(here.model.state_dict()))
    there.optimizer.load_state_dict(copy.deepcopy(here.optimizer.state_dict()))
    there.neq.load_state_dict(here.neq.state_dict())
    for training in (here, there):
        for _ in range(3):
            training.step()
        training.neq.freeze({})
        training.step()
    assert same_bits(there.numbers(), here.numbers()) == []
