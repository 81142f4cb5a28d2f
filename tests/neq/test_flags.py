"""`requires_grad` is its owner's: they read what they want while a layer is stopped, and may write it back."""

import copy
import io
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import AdamW

from neq.network.gradient_stop import StoppedParameter, gets_gradient
from tests.neq.training_loop import INPUTS, LABELS, Loop, network, weights


def stopped_loop(model: nn.Module | None = None) -> Loop:
    """Layer 4 is frozen whole and stopped."""
    loop = Loop(model)
    loop.epoch()
    loop.neq.freeze({"4": torch.ones(16, dtype=torch.bool)})
    loop.step(0)
    assert loop.neq.plans()["4"].kind == "stopped"
    return loop


def stopped(loop: Loop) -> nn.Linear:
    assert isinstance(loop.model, nn.Sequential)
    layer = loop.model[4]
    assert isinstance(layer, nn.Linear)
    return layer


def parameters(loop: Loop) -> list[nn.Parameter]:
    return list(loop.model.parameters())


def test_a_stopped_parameter_tells_its_owners_wish_and_gets_no_gradient() -> None:
    loop = stopped_loop()
    own = stopped(loop).weight
    assert isinstance(own, StoppedParameter)
    assert own.requires_grad is True
    assert not gets_gradient(own)
    loop.step(1)
    assert own.grad is None


@pytest.mark.parametrize("by_method", [False, True])
def test_flags_that_are_put_aside_and_back_in_every_step_stop_nothing_for_ever(by_method: bool) -> None:
    """As GANs do around the other network's turn, and Lightning's toggle_optimizer."""
    loop = stopped_loop()
    for place in (1, 2):
        flags = [one.requires_grad for one in parameters(loop)]
        loop.model.requires_grad_(False)
        for one, flag in zip(parameters(loop), flags, strict=True):
            if by_method:
                one.requires_grad_(flag)
            else:
                one.requires_grad = flag
        loop.step(place)
    loop.neq.freeze({})
    before = weights(loop.neq)
    loop.step(3)
    assert all(one.requires_grad and gets_gradient(one) for one in parameters(loop))
    assert not torch.equal(weights(loop.neq)["4"][0], before["4"][0])


def test_what_the_owner_does_not_want_trained_reads_so() -> None:
    loop = stopped_loop()
    stopped(loop).requires_grad_(False)
    assert [one.requires_grad for one in stopped(loop).parameters()] == [False, False]
    loop.neq.freeze({})
    assert not gets_gradient(stopped(loop).weight)


def test_an_optimizer_made_of_what_requires_a_gradient_owns_stopped_layers_too() -> None:
    loop = stopped_loop()
    other = AdamW(filter(lambda one: one.requires_grad, loop.model.parameters()), lr=0.01)
    loop.neq.freeze({})
    before = weights(loop.neq)
    loop.step(1, other)
    assert not torch.equal(weights(loop.neq)["4"][0], before["4"][0])


def test_flags_that_are_mirrored_to_another_network_are_the_owners() -> None:
    loop = stopped_loop()
    twin = network()
    for one, other in zip(loop.model.parameters(), twin.parameters(), strict=True):
        other.requires_grad = one.requires_grad
    assert all(gets_gradient(one) for one in twin.parameters())


class Head(nn.Linear):
    """Another type with the same weight: a layer of its own."""


@pytest.mark.parametrize("shared", ["bias", "weight"])
@pytest.mark.parametrize("savings", [True, "rows", False])
def test_layers_that_share_a_parameter_train_and_freeze(shared: str, savings: Any) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), Head(16, 16))
    setattr(model[5], shared, getattr(model[3], shared))
    loop = Loop(model, savings=savings)
    loop.epoch()
    some, whole = torch.arange(16) < 7, torch.ones(16, dtype=torch.bool)
    for masks in (
        {"3": some},
        {"5": whole},
        {"3": some, "5": whole},
        {"3": whole, "5": whole},
        {"3": whole, "5": some},
    ):
        loop.neq.freeze(masks)
        before = weights(loop.neq)
        loop.train()
        now = weights(loop.neq)
        for name, mask in masks.items():
            for one, other in zip(now[name], before[name], strict=True):
                assert torch.equal(one[mask], other[mask])
    loop.neq.freeze({})
    before = weights(loop.neq)
    loop.train()
    assert all(not torch.equal(one, other) for one, other in zip(weights(loop.neq)["3"], before["3"], strict=True))


def test_saved_parameters_of_a_stopped_layer_load_as_plain_weights() -> None:
    loop = stopped_loop()
    for value in (list(loop.model.parameters()), loop.model.state_dict(keep_vars=True)):
        file = io.BytesIO()
        torch.save(value, file)
        file.seek(0)
        loaded = torch.load(file, weights_only=True)
        first = list(loaded.values()) if isinstance(loaded, dict) else loaded
        assert all(type(one) is not StoppedParameter for one in first)
    assert all(one.requires_grad for one in copy.deepcopy(loop.model).parameters())


def test_a_step_of_fast_gradient_signs_leaves_the_flags_as_they_were() -> None:
    """It wants the input's gradient alone, and puts the network's flags aside for it."""
    loop = stopped_loop()
    own = parameters(loop)
    flags = [one.requires_grad for one in own]
    loop.model.requires_grad_(False)
    inputs = INPUTS[:25].clone().requires_grad_(True)
    nn.functional.cross_entropy(loop.model(inputs), LABELS[:25]).backward()
    assert inputs.grad is not None
    for one, flag in zip(own, flags, strict=True):
        one.requires_grad_(flag)
    loop.step(1)
    loop.neq.freeze({})
    assert all(gets_gradient(one) for one in own)
