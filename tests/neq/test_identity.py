"""Parameters and buffers stay the same objects through every call, and a copy of the model is a plain model."""

import copy
import gc
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune, spectral_norm, weight_norm
from torch.optim import SGD, Adam

from neq import NEq
from neq.network.gradient_stop import gets_gradient
from neq.options import MeasureMode

pytestmark = pytest.mark.slow

INPUTS = torch.randn(8, 6, generator=torch.Generator().manual_seed(1))


class TwoNames(nn.Module):
    """self.b = self.a, used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(6, 6)
        self.b = self.a
        self.c = nn.Linear(6, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.c(self.b(self.a(inputs)))  # type: ignore[no-any-return]


class HeadByAnotherName(nn.Module):
    """self.head = self.net[2], as in many code bases."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
        self.head = self.net[2]

    def forward(self, inputs: Tensor) -> Tensor:
        return self.net(inputs)  # type: ignore[no-any-return]


class PartsInSequential(nn.Module):
    """Encoder and decoder, and a Sequential of the same two."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 4, bias=False), nn.BatchNorm1d(4))
        self.decoder = nn.Linear(4, 6)
        self.whole = nn.Sequential(self.encoder, nn.ReLU(), self.decoder)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.whole(inputs)  # type: ignore[no-any-return]


class TiedWeights(nn.Module):
    """Two modules, one weight, under three names."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(6, 6), nn.Linear(6, 6)
        self.out.weight = self.into.weight
        self.again = self.out

    def forward(self, inputs: Tensor) -> Tensor:
        return self.again(torch.relu(self.into(inputs)))  # type: ignore[no-any-return]


class Wrapper(nn.Module):
    """Holds what it wraps twice, as Fabric's wrapper does."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = PartsInSequential()
        self.original = self.inside

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inside(inputs)  # type: ignore[no-any-return]


MODELS: list[Callable[[], nn.Module]] = [TwoNames, HeadByAnotherName, PartsInSequential, TiedWeights, Wrapper]


def objects(model: nn.Module) -> dict[str, int]:
    """The identity of every tensor and module, by every name that it has."""
    named = (
        model.named_parameters(remove_duplicate=False),
        model.named_buffers(remove_duplicate=False),
        model.named_modules(remove_duplicate=False),
    )
    return {name: id(one) for every in named for name, one in every}


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 2) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(8, 6)).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("way", ["auto", "streaming", "cached"])
@pytest.mark.parametrize("make", MODELS)
def test_what_has_two_names_keeps_its_parameters_and_trains_on(make: Callable[[], nn.Module], way: MeasureMode) -> None:
    torch.manual_seed(0)
    model = make()
    optimizer = SGD(model.parameters(), lr=0.1)
    before, weights = objects(model), copy.deepcopy(model.state_dict())
    neq = NEq(model, optimizer, [INPUTS], epsilon=0.05, measure=way)
    assert objects(model) == before
    for explain in (False, True, False, True):
        train(model, optimizer)
        neq.end_epoch(explain=explain)
        assert objects(model) == before
        assert all(parameter.is_leaf for parameter in model.parameters())
    assert not any(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_two_names_change_no_number(way: MeasureMode) -> None:
    def found(model: nn.Module, layer: str) -> list[Tensor]:
        torch.manual_seed(3)
        optimizer = SGD(model.parameters(), lr=0.05)
        neq = NEq(model, optimizer, [INPUTS], epsilon=0.05, measure=way)
        results = []
        for _ in range(4):
            train(model, optimizer)
            results.append(neq.end_epoch().layers[layer].phi)
        return results

    torch.manual_seed(0)
    twice = HeadByAnotherName()
    torch.manual_seed(0)
    once = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3))
    for one, other in zip(found(twice, "net.2"), found(once, "2"), strict=True):
        assert torch.equal(one, other)


REPARAMETRISED: dict[str, Callable[[nn.Module], Any]] = {
    "pruned": lambda layer: prune.l1_unstructured(layer, "weight", 0.5),  # type: ignore[no-untyped-call]
    "spectral norm": spectral_norm,
    "parametrised": lambda layer: nn.utils.parametrizations.weight_norm(layer),
}


@pytest.mark.parametrize("kind", REPARAMETRISED)
@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_a_weight_that_hooks_compute_is_todays_after_measuring(kind: str, way: MeasureMode) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    REPARAMETRISED[kind](model[0])
    optimizer = SGD(model.parameters(), lr=0.1)
    neq = NEq(model, optimizer, [INPUTS], measure=way)
    before = objects(model)
    train(model, optimizer)
    with torch.no_grad():
        model(INPUTS)
    weight = model[0].weight.clone()  # type: ignore[operator, union-attr]
    neq.end_epoch(explain=True)
    assert objects(model) == before
    assert torch.equal(model[0].weight, weight)  # type: ignore[arg-type]


def test_the_older_weight_norm_is_todays_after_measuring() -> None:
    torch.manual_seed(0)
    with pytest.warns(FutureWarning, match="weight_norm"):
        layer = weight_norm(nn.Linear(6, 5))
    model = nn.Sequential(layer, nn.ReLU(), nn.Linear(5, 2))
    optimizer = SGD(model.parameters(), lr=0.1)
    neq = NEq(model, optimizer, [INPUTS], measure="streaming")
    train(model, optimizer)
    weight = layer.weight
    neq.end_epoch(explain=True)
    assert layer.weight is weight


class ReplacesItsBuffer(nn.Module):
    """Puts a new tensor where its buffer was, even in eval mode."""

    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)
        self.register_buffer("count", torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        self.count = self.count + 1
        return self.layer(inputs)  # type: ignore[no-any-return]


@pytest.mark.parametrize("way", ["streaming", "cached"])
def test_a_buffer_that_the_forward_pass_replaces_is_the_same_object_afterwards(way: MeasureMode) -> None:
    model = ReplacesItsBuffer()
    optimizer = SGD(model.parameters(), lr=0.1)
    before = objects(model)
    neq = NEq(model, optimizer, [INPUTS], measure=way)
    assert objects(model) == before
    train(model, optimizer, 3)
    counted = id(model.count)
    neq.end_epoch()
    assert id(model.count) == counted
    assert model.count == 3


def convolutions() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(288, 32),
        nn.ReLU(),
        nn.Linear(32, 4),
    )


IMAGES = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(2))


def pickled(model: nn.Module) -> nn.Module:
    return pickle.loads(pickle.dumps(model))  # type: ignore[no-any-return]


def saved(model: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)  # type: ignore[no-any-return]


def averaged(model: nn.Module) -> nn.Module:
    return torch.optim.swa_utils.AveragedModel(model).module


COPIES: dict[str, Callable[[nn.Module], nn.Module]] = {
    "deepcopy": copy.deepcopy,
    "pickle": pickled,
    "torch.save": saved,
    "AveragedModel": averaged,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("moment", ["made", "before the next step", "in mid-epoch"])
def test_a_copy_is_a_plain_model_that_trains_as_its_owner_wants(how: str, moment: str) -> None:
    model = convolutions()
    model[4].bias.requires_grad_(False)
    flags = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    optimizer = Adam([parameter for parameter in model.parameters() if parameter.requires_grad])
    neq = NEq(model, optimizer, [IMAGES], savings="rows")

    def step(one: nn.Module, by: torch.optim.Optimizer) -> None:
        by.zero_grad()
        one(IMAGES).square().sum().backward()
        by.step()

    step(model, optimizer)
    if moment != "made":
        whole, some = torch.ones(8, dtype=torch.bool), torch.arange(32) < 16
        neq.freeze({"0": whole, "1": whole, "4": some})
    if moment == "in mid-epoch":
        step(model, optimizer)
        assert {neq.plans()[name].kind for name in ("0", "1", "4")} == {"stopped", "rows"}
        assert not any(gets_gradient(parameter) for parameter in model[0].parameters())

    other = COPIES[how](model)
    assert {name: parameter.requires_grad for name, parameter in other.named_parameters()} == flags
    assert [type(module) for module in other.modules()] == [type(module) for module in convolutions().modules()]
    assert {type(parameter) for parameter in other.parameters()} == {nn.Parameter}
    before = copy.deepcopy(other.state_dict())
    step(other, SGD(other.parameters(), lr=0.1))
    still = {name for name, parameter in other.named_parameters() if torch.equal(parameter, before[name])}
    assert still == {"4.bias"}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_has_the_flags_that_its_owner_set_while_layers_were_stopped(how: str) -> None:
    model = convolutions()
    optimizer = SGD(model.parameters(), lr=0.1)
    neq = NEq(model, optimizer, [IMAGES])
    model(IMAGES).square().sum().backward()
    optimizer.step()
    neq.freeze({"0": torch.ones(8, dtype=torch.bool), "1": torch.ones(8, dtype=torch.bool)})
    assert {neq.plans()[name].kind for name in ("0", "1")} == {"stopped"}
    model[1].bias.requires_grad_(False)
    other = COPIES[how](model)
    off = [name for name, parameter in other.named_parameters() if not parameter.requires_grad]
    assert off == ["1.bias"]


def test_what_a_pickle_holds_needs_no_neq_to_be_read() -> None:
    model = convolutions()
    optimizer = SGD(model.parameters(), lr=0.1)
    neq = NEq(model, optimizer, [IMAGES], savings="rows")
    model(IMAGES).square().sum().backward()
    optimizer.step()
    neq.freeze({"0": torch.ones(8, dtype=torch.bool), "4": torch.arange(32) < 16})
    assert b"trainer" not in pickle.dumps(model)


def test_a_model_is_traced_and_exported_while_rows_are_planned() -> None:
    model = convolutions()
    optimizer = SGD(model.parameters(), lr=0.1)
    neq = NEq(model, optimizer, [IMAGES], savings="rows")
    model(IMAGES).square().sum().backward()
    optimizer.step()
    neq.freeze({"4": torch.arange(32) < 16})
    model.eval()
    expected = model(IMAGES)
    with pytest.warns((DeprecationWarning, FutureWarning), match="torch.jit"):  # the former until torch 2.11
        traced = torch.jit.trace(model, IMAGES)
    assert torch.allclose(traced(IMAGES), expected)
    assert torch.allclose(torch.export.export(model, (IMAGES,)).module()(IMAGES), expected)


def test_nothing_piles_up_over_many_epochs() -> None:
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = Adam(model.parameters(), lr=1e-3)
    neq = NEq(model, optimizer, [INPUTS], epsilon=1e-4)

    def alive(epochs: int) -> tuple[int, int]:
        for _ in range(epochs):
            train(model, optimizer, 1)
            neq.end_epoch()
        gc.collect()
        return sum(type(one) in (Tensor, nn.Parameter) for one in gc.get_objects()), len(nn.Linear.__subclasses__())

    tensors, classes = alive(20)
    now = alive(100)  # looking through all objects takes longer than the epochs
    assert now[0] <= tensors + 10
    assert now[1] <= classes + 3
