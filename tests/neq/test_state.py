"""Continuing from a state gives the same numbers as never having stopped."""

import copy
import io
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from neq import Equilibrium, LayerFilter, NEq

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("held")]

OPTIONS: dict[str, dict[str, Any]] = {
    "paper": {},
    "cached": {"measure": "cached"},
    "streaming": {"measure": "streaming"},
    "official": {"formula": "official", "layers": LayerFilter()},
    "random": {"select": "random"},
    "topk": {"select": "topk", "fraction": 0.4},
    "parameter-norm": {"select": "parameter-norm"},
    "groups": {"groups": "layer", "decide_by": "groups"},
    "cold": {"momentum_on_thaw": "cold"},
}


class Training:
    """A small network being trained, whose random numbers are its own."""

    def __init__(self, optimizer: str, options: dict[str, Any]) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(
            nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(6 * 16, 5)
        )
        parameters = self.model.parameters()
        self.optimizer: Optimizer = {
            "sgd": lambda: SGD(parameters, lr=0.05, momentum=0.9, weight_decay=0.01),
            "adam": lambda: Adam(parameters, lr=0.01, weight_decay=0.01),
            "adamw": lambda: AdamW(parameters, lr=0.01, amsgrad=True),
        }[optimizer]()
        probe = list(torch.randn(6, 2, 6, 6, generator=torch.Generator().manual_seed(1)).split(4))
        self.neq = NEq(self.model, self.optimizer, probe, epsilon=0.02, **options)

    def step(self, random: torch.Generator) -> None:
        self.optimizer.zero_grad()
        self.model(torch.randn(8, 2, 6, 6, generator=random)).square().mean().backward()
        self.optimizer.step()

    def epoch(self, random: torch.Generator) -> Equilibrium:
        for _ in range(3):
            self.step(random)
        return self.neq.end_epoch()

    def state(self) -> bytes:
        buffer = io.BytesIO()
        parts = {"model": self.model, "optimizer": self.optimizer, "neq": self.neq}
        torch.save({name: part.state_dict() for name, part in parts.items()}, buffer)
        return buffer.getvalue()

    def load(self, state: bytes) -> None:
        parts = torch.load(io.BytesIO(state), weights_only=True)
        self.model.load_state_dict(parts["model"])
        self.optimizer.load_state_dict(parts["optimizer"])
        self.neq.load_state_dict(parts["neq"])


def same(first: Tensor | None, second: Tensor | None) -> bool:
    return first is second is None or (first is not None and second is not None and torch.equal(first, second))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("options", list(OPTIONS))
@pytest.mark.parametrize("mid_epoch", [False, True], ids=["between epochs", "in mid-epoch"])
def test_continuing_is_never_having_stopped(options: str, optimizer: str, mid_epoch: bool) -> None:
    random = torch.Generator().manual_seed(2)
    whole = Training(optimizer, OPTIONS[options])
    for _ in range(4):
        whole.epoch(random)
    whole.neq.freeze({"0": torch.tensor([1, 1, 1, 0, 0, 0]).bool(), "4": torch.tensor([1, 1, 1, 1, 0]).bool()})
    if mid_epoch:
        whole.step(random)
    state, place = whole.state(), random.get_state()
    expected = [whole.epoch(random) for _ in range(4)]
    torch.rand(7)  # whatever else draws random numbers

    resumed = Training(optimizer, OPTIONS[options])
    resumed.epoch(torch.Generator().manual_seed(99))  # not fresh: everything must come from the state
    resumed.load(state)
    random.set_state(place)
    found = [resumed.epoch(random) for _ in range(4)]

    frozen = thawed = 0
    for one, other in zip(expected, found, strict=True):
        assert one.epoch == other.epoch
        assert one.groups == other.groups
        for name, layer in one.layers.items():
            for field in ("phi", "delta_phi", "velocity", "frozen", "applied", "at_equilibrium"):
                assert same(getattr(layer, field), getattr(other.layers[name], field)), (name, field)
            frozen += int(layer.frozen.sum())
            thawed += int((layer.applied & ~layer.frozen).sum())
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    assert frozen
    assert thawed  # the momentum given back is part of what must agree


def test_a_state_is_a_copy_and_reading_it_runs_no_code() -> None:
    training = Training("sgd", {})
    training.epoch(torch.Generator().manual_seed(3))
    state = training.neq.state_dict()
    before = copy.deepcopy(state)
    for seed in range(3):
        training.epoch(torch.Generator().manual_seed(seed))
    assert state["decision"]["epoch"] == before["decision"]["epoch"] == 1
    for name, tensor in state["former"].items():
        assert torch.equal(tensor, before["former"][name])


def test_a_state_taken_while_streaming_can_be_continued_with_a_cache() -> None:
    streamed, cached = (Training("sgd", {"measure": way}) for way in ("streaming", "cached"))
    random = torch.Generator().manual_seed(4)
    for _ in range(3):
        streamed.epoch(random)
    cached.load(streamed.state())
    place = random.get_state()
    expected = streamed.epoch(random)
    random.set_state(place)
    found = cached.epoch(random)
    for name, layer in expected.layers.items():
        assert torch.equal(layer.phi, found.layers[name].phi)
        assert same(layer.velocity, found.layers[name].velocity)


def test_a_state_of_another_model_or_other_options_is_refused() -> None:
    training = Training("sgd", {})
    other = nn.Linear(2, 2)
    neq = NEq(other, SGD(other.parameters(), lr=0.1), [torch.eye(2)])
    with pytest.raises(ValueError, match="its watched layers differ"):
        neq.load_state_dict(training.neq.state_dict())
    with pytest.raises(ValueError, match="taken with other options: it knows no groups"):
        Training("sgd", {"groups": "layer"}).neq.load_state_dict(training.neq.state_dict())


@pytest.mark.parametrize("on_thaw", ["keep", "cold"])
def test_a_state_that_kept_tensors_of_the_parameters_shapes_still_loads(on_thaw: Any) -> None:
    probe = [torch.randn(5, 4, 6, 6, generator=torch.Generator().manual_seed(3))]

    def fresh() -> tuple[nn.Module, Optimizer, NEq]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.ConvTranspose2d(4, 6, 3, groups=2), nn.ReLU(), nn.Conv2d(6, 5, 3))
        optimizer = Adam(model.parameters(), lr=0.01)
        return model, optimizer, NEq(model, optimizer, probe, momentum_on_thaw=on_thaw)

    def step(model: nn.Module, optimizer: Optimizer) -> None:
        optimizer.zero_grad()
        model(probe[0]).square().mean().backward()
        optimizer.step()

    model, optimizer, neq = fresh()
    step(model, optimizer)
    masks = {"0": torch.arange(6) % 2 == 0, "2": torch.arange(5) < 2}
    neq.freeze(masks)
    step(model, optimizer)
    states = copy.deepcopy((model.state_dict(), optimizer.state_dict(), neq.state_dict()))
    before = copy.deepcopy(states[2])
    del before["freezer"]["of"]
    for layer in neq.layers:
        for place, rows in before["freezer"]["kept"][layer.name].items():
            parameter = list(layer.parameters())[int(place[0])]
            whole = torch.full_like(parameter, 7.0)
            layer.rows(whole)[layer.place(masks[layer.name].nonzero().flatten(), whole)] = rows
            before["freezer"]["kept"][layer.name][place] = whole
    found = []
    for state in (states[2], before):
        model, optimizer, neq = fresh()
        model.load_state_dict(states[0])
        optimizer.load_state_dict(copy.deepcopy(states[1]))
        neq.load_state_dict(state)
        neq.freeze({})
        step(model, optimizer)
        found.append([one.clone() for one in model.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))
