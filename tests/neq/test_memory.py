"""What NEq keeps in memory is told, kind by kind; and buffers are put back with few questions to the device."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from neq import NEq
from neq.measure import probing
from neq.measure.probing import preserve_state
from neq.options import MeasureMode
from tests.neq.marks import no_step_is_made
from tests.pretended.device import counted, pretending

FLOAT = 4


@pytest.fixture
def gpu() -> Iterator[None]:
    with pretending():
        yield


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


BATCH = torch.randn(10, 5)
LINEAR, NORM, HEAD = 5 * 8 + 8, 2 * 8, 8 * 3 + 3


def step(model: nn.Module, optimizer: Optimizer) -> None:
    optimizer.zero_grad()
    model(BATCH.to(next(model.parameters()).device)).square().mean().backward()
    optimizer.step()


def test_what_neq_keeps_is_told_kind_by_kind() -> None:
    model = network()
    neq = NEq(model, SGD(model.parameters(), lr=0.1, momentum=0.9), [BATCH], measure="cached")
    buffers = 2 * 8 * FLOAT + 8
    memory = neq.memory()
    assert memory.device == "cpu"
    assert memory.former == (LINEAR + NORM + HEAD) * FLOAT + buffers
    assert memory.outputs == 10 * (8 + 8 + 3) * FLOAT
    assert not memory.outputs_on_host
    assert (memory.held, memory.optimizer_rows) == (0, 0)
    assert memory.total == memory.former + memory.outputs
    assert memory.measuring >= memory.outputs


@pytest.mark.parametrize(("kind", "states"), [(SGD, 1), (Adam, 2)])
def test_frozen_neurons_take_their_values_and_what_the_optimizer_held(kind: type[Optimizer], states: int) -> None:
    model = network()
    momentum = {"momentum": 0.9} if kind is SGD else {}
    optimizer = kind(model.parameters(), lr=0.1, **momentum)  # type: ignore[call-arg]
    neq = NEq(model, optimizer, [BATCH], measure="streaming")
    step(model, optimizer)
    most = neq.memory().at_most
    places = 2 * (8 + 8 + 3) * 8  # of each neuron, in weight and bias
    assert most == neq.memory().former + (1 + states) * (LINEAR + NORM + HEAD) * FLOAT + places
    half = torch.arange(8) < 4
    neq.freeze({"0": half})
    memory = neq.memory()
    values = LINEAR // 2 * FLOAT
    assert values <= memory.held <= values + 2 * 4 * 8  # and which rows these are
    assert memory.optimizer_rows == states * values
    neq.freeze({name: torch.ones(size, dtype=torch.bool) for name, size in (("0", 8), ("1", 8))})
    assert memory.total < neq.memory().total <= most
    neq.freeze({})
    assert neq.memory().total == neq.memory().former
    assert neq.memory().at_most == most


@pytest.mark.parametrize("wide", [8, 2**17])  # held together with others, and by itself
def test_on_a_gpu_masks_count_too_and_all_stays_below_what_was_said(gpu: None, wide: int) -> None:
    model = nn.Sequential(nn.Linear(5, wide), nn.BatchNorm1d(wide), nn.Linear(wide, 3)).to("cuda")
    optimizer = Adam(model.parameters(), lr=0.1)
    neq = NEq(model, optimizer, [BATCH.cuda()], measure="cached")
    step(model, optimizer)
    most = neq.memory().at_most
    for share in (2, 1):
        neq.freeze({"0": torch.arange(wide) < wide // share, "1": torch.ones(wide, dtype=torch.bool)})
        memory = neq.memory()
        assert memory.device == "cuda:0"
        assert memory.held >= (wide * 6 // share + wide * 2) * FLOAT
        assert memory.total <= most == memory.at_most


@no_step_is_made
def test_one_that_measures_alone_keeps_the_former_network_alone() -> None:
    model = network()
    memory = NEq(model, SGD(model.parameters(), lr=0.1), [BATCH], select="none", measure="streaming").memory()
    assert memory.at_most == memory.total == memory.former


# ------------------------------------------------------------------------------------------------- buffers, put back


class Counting(nn.Module):
    """Writes to a buffer whenever it runs, and puts another tensor in the place of a second."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 3)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.full((2, 3), float("nan")))
        self.register_buffer("still", torch.arange(6.0).reshape(2, 3).T)

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        self.mean = torch.ones(2, 3, device=inputs.device)
        out: Tensor = self.layer(inputs)
        return out


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_buffers_that_a_pass_writes_to_are_put_back(gpu: None, device: str) -> None:
    model = Counting().to(device)
    before = {name: (buffer, buffer.clone()) for name, buffer in model.named_buffers()}
    written = {name: buffer._version for name, buffer in model.named_buffers()}
    with preserve_state(model):
        model(BATCH.to(device))
        model.calls.data.add_(1)  # what torch's own count of writes misses
    for name, (buffer, value) in before.items():
        assert model.get_buffer(name) is buffer
        assert torch.equal(buffer.cpu().nan_to_num(7.0), value.cpu().nan_to_num(7.0))
    assert model.get_buffer("still")._version == written["still"]


@no_step_is_made
@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_measuring_waits_for_the_gpu_as_often_whatever_the_number_of_layers(gpu: None, way: MeasureMode) -> None:
    def waits(norms: int) -> int:
        model = nn.Sequential(nn.Linear(5, 8), *(nn.BatchNorm1d(8) for _ in range(norms)), nn.Linear(8, 3)).to("cuda")
        neq = NEq(model, SGD(model.parameters(), lr=0.1), [BATCH.cuda()], select="none", measure=way)
        neq.end_epoch()
        return counted(neq.end_epoch).waits

    assert waits(12) == waits(2) <= 9


@pytest.mark.parametrize("kind", ["cuda", "xpu", "mps"])
def test_every_kind_of_device_keeps_its_random_numbers(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        def parameters(self) -> Iterator[object]:
            yield type("Parameter", (), {"device": torch.device(kind, 0)})()

    forked: list[tuple[object, object]] = []
    monkeypatch.setattr(torch.random, "fork_rng", lambda devices, device_type: forked.append((devices, device_type)))
    probing._own_random_numbers(Elsewhere())  # type: ignore[arg-type]
    assert forked == [([torch.device(kind, 0)], kind)]
