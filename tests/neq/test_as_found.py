"""Measuring leaves no trace, and a run can be continued from its state."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam

from tests.neq.marks import no_step_is_made
from trainer.neq import NEq


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(64, 3),
    )


PROBE = [torch.randn(5, 1, 6, 6, generator=torch.Generator().manual_seed(4))]


def train(model: nn.Module, optimizer: torch.optim.Optimizer, random: torch.Generator) -> None:
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(6, 1, 6, 6, generator=random)).square().mean().backward()
        optimizer.step()


@no_step_is_made
def test_modes_buffers_weights_and_random_state_are_as_before() -> None:
    model = network()
    model.train()
    model[1].eval()  # a batch norm that its owner keeps in eval mode
    state = copy.deepcopy(model.state_dict())
    neq = NEq(model, SGD(model.parameters(), lr=0.1), PROBE)
    random = torch.get_rng_state()
    neq.end_epoch()
    assert [module.training for module in model.modules()] == [True, True, False, True, True, True, True]
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


@no_step_is_made
def test_a_model_that_draws_at_random_in_eval_mode_leaves_the_random_state_too() -> None:
    class Noisy(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            out = super().forward(inputs)
            return out + torch.rand_like(out)

    model = Noisy(2, 2)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [torch.ones(3, 2)])
    random = torch.get_rng_state()
    neq.end_epoch()
    assert torch.equal(random, torch.get_rng_state())


@no_step_is_made
def test_an_error_on_the_way_leaves_the_mode_and_no_hooks() -> None:
    model = network()
    probe: list[Tensor] = [*PROBE]
    neq = NEq(model, SGD(model.parameters(), lr=0.1), probe)
    probe[0] = torch.randn(5, 2, 6, 6)  # two channels, where the network takes one
    with pytest.raises(RuntimeError):
        neq.end_epoch()
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_continuing_from_a_state_gives_the_same_numbers_to_the_bit(kind: str) -> None:
    def fresh() -> tuple[nn.Module, torch.optim.Optimizer, NEq]:
        model = network()
        optimizer: torch.optim.Optimizer
        if kind == "sgd":
            optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
        else:
            optimizer = Adam(model.parameters(), lr=0.01)
        return model, optimizer, NEq(model, optimizer, PROBE, epsilon=0.01)

    torch.manual_seed(9)
    model, optimizer, neq = fresh()
    random = torch.Generator().manual_seed(5)
    for _ in range(3):
        train(model, optimizer, random)
        neq.end_epoch()
    states = copy.deepcopy((model.state_dict(), optimizer.state_dict(), neq.state_dict()))
    random_state, global_state = random.get_state(), torch.get_rng_state()
    expected = []
    for _ in range(3):
        train(model, optimizer, random)
        expected.append(neq.end_epoch())

    model, optimizer, neq = fresh()
    model.load_state_dict(states[0])
    optimizer.load_state_dict(states[1])
    neq.load_state_dict(states[2])
    random.set_state(random_state)
    torch.set_rng_state(global_state)
    for wanted in expected:
        train(model, optimizer, random)
        found = neq.end_epoch()
        assert found.epoch == wanted.epoch
        for name, layer in wanted.layers.items():
            again = found.layers[name]
            assert torch.equal(again.phi, layer.phi)
            assert layer.velocity is not None
            assert again.velocity is not None
            assert torch.equal(again.velocity, layer.velocity)
            assert torch.equal(again.frozen, layer.frozen)
            assert torch.equal(again.applied, layer.applied)
    assert any(epoch.frozen_fraction for epoch in expected)


def test_a_state_of_another_model_is_refused() -> None:
    model, other = network(), nn.Sequential(nn.Conv2d(1, 5, 3))
    state = NEq(other, SGD(other.parameters(), lr=0.1), PROBE).state_dict()
    with pytest.raises(ValueError, match="another model"):
        NEq(model, SGD(model.parameters(), lr=0.1), PROBE).load_state_dict(state)
