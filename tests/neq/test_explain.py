"""Own against upstream: which of the two causes moved a neuron."""

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torchvision.models import swin_t

from neq import NEq
from neq.reference import cosine
from tests.neq.marks import no_step_is_made


@no_step_is_made
def test_nothing_is_explained_unless_it_is_asked_for() -> None:
    model = nn.Linear(2, 2)
    layer = NEq(model, SGD(model.parameters(), lr=0.1), [torch.eye(2)]).end_epoch().layers[""]
    assert layer.own is None
    assert layer.upstream is None


@pytest.mark.parametrize("measure", ["streaming", "cached"])
@no_step_is_made
def test_own_and_upstream_by_hand(measure: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    probe = torch.randn(5, 3)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [probe[:2], probe[2:]], measure=measure)  # type: ignore[arg-type]
    with torch.no_grad():
        first_before, hidden_before = model[0](probe), torch.relu(model[0](probe))
        second = [p.clone() for p in model[2].parameters()]
        for parameter in model.parameters():
            parameter += 0.4 * torch.randn_like(parameter)
        hidden_now = torch.relu(model[0](probe))
        was = hidden_before @ second[0].T + second[1]
        own = model[2](hidden_before)
        upstream = hidden_now @ second[0].T + second[1]
    found = neq.end_epoch(explain=True)

    def cosines(a: Tensor, b: Tensor) -> list[float]:
        return [cosine(x, y) for x, y in zip(a.T.tolist(), b.T.tolist(), strict=True)]

    head = found.layers["2"]
    assert head.own is not None
    assert head.upstream is not None
    assert head.own.tolist() == pytest.approx(cosines(own, was), abs=1e-6)
    assert head.upstream.tolist() == pytest.approx(cosines(upstream, was), abs=1e-6)
    first = found.layers["0"]
    assert first.own is not None
    assert first.upstream is not None
    assert torch.equal(first.own, first.phi)  # its inputs are the images: all of its change is its own
    assert (first.upstream == 1).all()
    with torch.no_grad():
        assert first.phi.tolist() == pytest.approx(cosines(model[0](probe), first_before), abs=1e-6)


def test_a_frozen_neuron_that_moves_was_moved_from_upstream() -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3))
    optimizer = SGD(model.parameters(), lr=0.1)
    neq = NEq(model, optimizer, [torch.randn(4, 2, 8, 8)])
    neq.freeze({"3": torch.ones(4, dtype=torch.bool)})
    model(torch.randn(4, 2, 8, 8)).square().sum().backward()
    optimizer.step()
    layer = neq.end_epoch(explain=True).layers["3"]
    assert layer.own is not None
    assert layer.upstream is not None
    assert (layer.own == 1).all()
    assert torch.equal(layer.upstream, layer.phi)
    assert (layer.phi < 1).all()


@no_step_is_made
def test_layers_computed_without_their_module_are_explained_too() -> None:
    torch.manual_seed(2)
    model = swin_t(num_classes=3)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(1, 3, 32, 32)])
    name = "features.1.0.attn.qkv"
    with torch.no_grad():
        model.get_submodule(name).weight[1] *= -1  # type: ignore[index, operator]
        model.get_submodule(name).bias[1] *= -1  # type: ignore[index, operator]
    layer = neq.end_epoch(explain=True).layers[name]
    assert layer.own is not None
    assert layer.upstream is not None
    assert (layer.own < 0).nonzero().flatten().tolist() == [1]
    assert (layer.upstream == 1).all()


@no_step_is_made
def test_explaining_leaves_the_model_as_it_was() -> None:
    torch.manual_seed(3)
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.randn(4, 2, 8, 8)])
    neq.end_epoch(explain=True)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
