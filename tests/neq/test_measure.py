"""Two ways to measure, the same numbers; and what later layers do to outputs."""

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset
from torchvision.models import resnet18

from neq import Equilibrium, NEq
from neq.device import free_memory as room
from neq.measure import measure as measuring
from neq.reference import cosine
from tests.neq.marks import no_step_is_made


def images() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 6, 3),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.ConvTranspose2d(6, 4, 2, groups=2),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(4 * 25, 5),
    )


def train(model: nn.Module, optimizer: SGD, inputs: Tensor) -> None:
    optimizer.zero_grad()
    model(inputs).square().mean().backward()
    optimizer.step()


def course(way: str, phi: str = "global", batch: int = 4) -> list[Equilibrium]:
    """Five epochs of a small network, seeded."""
    torch.manual_seed(0)
    model = images()
    probe = list(torch.randn(10, 2, 6, 6).split(batch))
    optimizer = SGD(model.parameters(), lr=0.2, momentum=0.9)
    with NEq(model, optimizer, probe, epsilon=0.02, measure=way, phi=phi) as neq:  # type: ignore[arg-type]
        assert neq.caches == (way != "streaming")
        found = []
        for _ in range(5):
            train(model, optimizer, torch.randn(8, 2, 6, 6))
            found.append(neq.end_epoch())
    return found


def assert_same(first: list[Equilibrium], second: list[Equilibrium]) -> None:
    for one, other in zip(first, second, strict=True):
        for name, layer in one.layers.items():
            assert torch.equal(layer.phi, other.layers[name].phi)
            assert torch.equal(layer.frozen, other.layers[name].frozen)
            if layer.velocity is not None:
                assert other.layers[name].velocity is not None
                assert torch.equal(layer.velocity, other.layers[name].velocity)


@pytest.mark.parametrize("phi", ["global", "per-sample"])
def test_streaming_and_cached_give_the_same_numbers_to_the_bit(phi: str) -> None:
    streamed = course("streaming", phi)
    assert any(equilibrium.frozen_fraction for equilibrium in streamed)
    assert_same(streamed, course("cached", phi))
    assert_same(streamed, course("auto", phi))


def test_auto_streams_what_is_too_large_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "CACHE_BYTES", 1000)
    model = images()
    probe = [torch.randn(4, 2, 6, 6)]
    assert not NEq(model, SGD(model.parameters(), lr=0.1), probe).caches
    assert NEq(model, SGD(model.parameters(), lr=0.1), probe, measure="cached").caches


def test_portions_of_a_batch_give_the_numbers_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = course("streaming", batch=10)
    monkeypatch.setitem(room.PORTION_BYTES, "cpu", 6_000)  # two or three samples of these
    for one, other in zip(whole, course("streaming", batch=10), strict=True):
        for name, layer in one.layers.items():
            assert torch.allclose(layer.phi, other.layers[name].phi, rtol=0, atol=1e-6)


class Counting(nn.Module):
    """Says how many samples each call was given."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(100, 1000)
        self.calls: list[int] = []

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls.append(len(inputs))
        out: Tensor = self.layer(inputs)
        return out


@no_step_is_made
def test_a_large_batch_is_looked_at_in_portions_and_a_callers_own_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(room.PORTION_BYTES, "cpu", 12_000)  # three samples of 1000 float32 outputs
    model = Counting()
    optimizer = SGD(model.parameters(), lr=0.1)
    batch = torch.randn(7, 100)
    for probe, forward, expected in (
        ([batch], None, [3, 3, 1]),
        ([{"inputs": batch, "labels": torch.zeros(7)}], None, [3, 3, 1]),
        ([(batch, torch.zeros(7))], None, [3, 3, 1]),
        ([batch], lambda model, batch: model(batch), [7]),
    ):
        with NEq(model, optimizer, probe, forward=forward, measure="cached") as neq:
            model.calls.clear()
            neq.end_epoch()
            assert model.calls == expected


def test_what_a_later_layer_overwrites_is_compared_as_it_was_given() -> None:
    # torchvision's ResNets apply ReLU in place to the batch norms' outputs.
    torch.manual_seed(0)
    model = resnet18(num_classes=4)
    probe = [torch.randn(2, 3, 32, 32)]
    optimizer = SGD(model.parameters(), lr=0.05)
    for way in ("streaming", "cached"):
        neq = NEq(model, optimizer, probe, measure=way)  # type: ignore[arg-type]
        before = cloned_outputs(model, probe[0])
        train(model, optimizer, torch.randn(4, 3, 32, 32))
        now = cloned_outputs(model, probe[0])
        found = neq.end_epoch()
        for name in ("bn1", "layer1.0.bn1", "layer2.0.bn2"):
            rows = [x[name].double().transpose(0, 1).flatten(1).tolist() for x in (now, before)]
            expected = [cosine(a, b) for a, b in zip(*rows, strict=True)]
            assert found.layers[name].phi.tolist() == pytest.approx(expected, abs=1e-6)
        neq.close()


def cloned_outputs(model: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    taken: dict[str, Tensor] = {}

    def hook_for(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        return lambda module, inputs, output: taken.update({name: output.clone()})

    handles = [module.register_forward_hook(hook_for(name)) for name, module in model.named_modules()]
    model.eval()
    with torch.no_grad():
        model(inputs)
    model.train()
    for handle in handles:
        handle.remove()
    return taken


@no_step_is_made
def test_a_pass_in_inference_mode_is_measured_too() -> None:
    model = images()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))

    def forward(model: nn.Module, batch: Tensor) -> object:
        with torch.inference_mode():
            return model(batch)

    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(3, 2, 6, 6)], forward=forward)
    assert all((layer.phi == 1).all() for layer in neq.end_epoch().layers.values())


@no_step_is_made
def test_reading_the_probe_set_draws_no_random_numbers() -> None:
    model = images()
    probe = DataLoader(TensorDataset(torch.randn(6, 2, 6, 6)), batch_size=2)  # draws a seed each time it is iterated
    for way in ("streaming", "cached"):
        torch.manual_seed(1)
        with NEq(model, SGD(model.parameters(), lr=0.1), probe, measure=way) as neq:  # type: ignore[arg-type]
            neq.end_epoch()
            drawn = torch.rand(3)
        torch.manual_seed(1)
        assert torch.equal(drawn, torch.rand(3))


class Calls(nn.Module):
    """Calls its layer as often as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.times = 2

    def forward(self, inputs: Tensor) -> Tensor:
        for _ in range(self.times):
            inputs = self.layer(inputs)
        return inputs


@no_step_is_made
def test_a_layer_called_several_times_counts_all_of_its_outputs() -> None:
    torch.manual_seed(2)
    model = Calls()
    probe = torch.randn(5, 3)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [probe])

    def both() -> Tensor:
        with torch.no_grad():
            once = model.layer(probe)
            return torch.cat([once, model.layer(once)])

    before = both()
    with torch.no_grad():
        model.layer.weight += torch.randn(3, 3)
    expected = [cosine(a, b) for a, b in zip(both().T.tolist(), before.T.tolist(), strict=True)]
    assert neq.end_epoch().layers["layer"].phi.tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("times", "message"), [(3, "called more often"), (1, "called less often")])
@no_step_is_made
def test_a_layer_called_another_number_of_times_is_named(times: int, message: str) -> None:
    model = Calls()
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(5, 3)], measure="cached")
    model.times = times
    with pytest.raises(ValueError, match=f"layer 'layer' is {message}"):
        neq.end_epoch()


@pytest.mark.parametrize(("batches", "message"), [(3, "more than"), (1, "less than")])
@no_step_is_made
def test_a_probe_set_that_changes_its_length_is_refused(batches: int, message: str) -> None:
    class Probe:
        length = 2

        def __iter__(self) -> Iterator[Tensor]:
            return iter([torch.ones(2, 3)] * self.length)

    probe = Probe()
    model = nn.Linear(3, 3)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), probe, measure="cached")
    probe.length = batches
    with pytest.raises(ValueError, match=f"probe set gave {message}"):
        neq.end_epoch()


@no_step_is_made
def test_a_probe_set_that_changes_its_shape_is_refused() -> None:
    probe = [torch.ones(2, 3)]
    model = nn.Linear(3, 3)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), probe, measure="cached")
    probe[0] = torch.ones(4, 3)
    with pytest.raises(ValueError, match="same samples in the same order"):
        neq.end_epoch()


@pytest.mark.parametrize("where", ["accelerate", "around the call"])
def test_phi_is_measured_in_the_models_own_precision(where: str) -> None:
    torch.manual_seed(0)
    model, probe = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), torch.randn(20, 8)
    optimizer: Any = SGD(model.parameters(), lr=1e-3)
    prepared: nn.Module = model
    around: Any = nullcontext()
    if where == "accelerate":
        AcceleratorState._reset_state(True)
        prepared, optimizer = Accelerator(cpu=True, mixed_precision="bf16").prepare(model, optimizer)
    else:
        around = torch.autocast("cpu", torch.bfloat16)
    neq = NEq(prepared, optimizer, [probe], select="none")
    forward = vars(model).get("forward")

    def outputs() -> Tensor:
        layers = copy.deepcopy([model[0], model[2]])
        with torch.no_grad():
            out: Tensor = layers[1].double()(layers[0].double()(probe.double()).relu()).T
        return out

    before = outputs()
    optimizer.zero_grad()
    prepared(probe).square().mean().backward()
    optimizer.step()
    with around:
        found = neq.end_epoch().layers["2"].phi.double()
    expected = nn.functional.cosine_similarity(outputs(), before, dim=1)
    assert torch.allclose(1 - found, 1 - expected, rtol=0, atol=2e-7)  # φ is told as float32
    assert vars(model).get("forward") is forward
    AcceleratorState._reset_state(True)  # the next one may choose its own precision
