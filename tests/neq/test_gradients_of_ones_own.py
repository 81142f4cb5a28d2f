"""What people do with gradients beside backward() and step() gives what it gives without savings, or says why not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, NAdam, Optimizer

from neq import NEq
from neq.network.gradient_stop import StoppedParameter

pytestmark = pytest.mark.usefixtures("held")

IMAGES = torch.randn(6, 3, 6, 6, generator=torch.Generator().manual_seed(3))
SOME, WHOLE = torch.arange(32) % 2 == 0, torch.ones(32, dtype=torch.bool)


def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1),
        nn.Tanh(),
        nn.Flatten(2),
        nn.Linear(36, 32),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(1024, 1),
    )


def frozen(
    masks: dict[str, Tensor], savings: bool | str, kind: Callable[..., Optimizer] = SGD
) -> tuple[NEq, nn.Sequential]:
    """After a step, with these neurons frozen and their plans made."""
    model = network()
    optimizer = kind(model.parameters(), lr=0.01)
    neq = NEq(model, optimizer, [IMAGES], savings=savings)  # type: ignore[arg-type]
    for _ in range(2):
        optimizer.zero_grad()
        model(IMAGES).square().mean().backward()
        optimizer.step()
        neq.freeze(masks)
    model(IMAGES).square().mean().backward()
    optimizer.zero_grad()
    return neq, model


def gradient_penalty(model: nn.Module) -> None:
    """As WGAN-GP's critic has it."""
    images = IMAGES.clone().requires_grad_(True)
    (found,) = torch.autograd.grad(model(images).sum(), images, create_graph=True)
    ((found.flatten(1).norm(dim=1) - 1).square().mean() + model(IMAGES).mean()).backward()


MASKS = {
    "rows": {"0": SOME, "3": SOME},
    "whole": {"0": WHOLE, "3": WHOLE},
    "whole conv": {"0": WHOLE},
    "whole linear": {"3": WHOLE},
    "both": {"0": SOME, "3": WHOLE},
}


@pytest.mark.parametrize("kind", [SGD, NAdam])
@pytest.mark.parametrize("masks", MASKS)
def test_a_gradient_penalty_trains_what_moves_as_without_savings(masks: str, kind: type[Optimizer]) -> None:
    found = []
    for savings in ("rows", False):
        neq, model = frozen(MASKS[masks], savings, kind)
        if savings:
            expected = {"rows", "stopped"} if kind is SGD else {"rows", "zeros"}
            assert {neq.plans()[name].kind for name in MASKS[masks]} <= expected
        gradient_penalty(model)
        gradient_penalty(model)
        found.append({name: one.grad for name, one in model.named_parameters()})
        neq.close()
    for name, grad in found[1].items():
        own = found[0][name]
        mask = MASKS[masks].get(name[0])
        if own is None:
            assert mask is not None and bool(mask.all())
            continue
        assert grad is not None
        assert torch.allclose(own, grad, rtol=1e-4, atol=1e-7), name
        assert mask is None or not bool(own[mask].any())


def test_after_a_second_derivative_the_plan_says_why_all_rows_are_computed() -> None:
    neq, model = frozen(MASKS["rows"], "rows")
    gradient_penalty(model)
    assert neq.plans()["0"].kind == "dense"
    assert "differentiated once more" in neq.plans()["0"].reason


def test_a_gradient_that_is_asked_for_itself_is_that_without_savings() -> None:
    found = []
    for savings in ("rows", False):
        neq, model = frozen(MASKS["rows"], savings)
        assert not savings or neq.plans()["0"].kind == "rows"
        found.append(torch.autograd.grad(model(IMAGES).square().mean(), list(model.parameters())))
        assert not savings or neq.plans()["0"].kind == "rows"
        neq.close()
    assert found[1][0][SOME].any()
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-8)


def test_a_product_with_the_hessian_is_that_without_savings() -> None:
    found = []
    for savings in ("rows", False):
        neq, model = frozen(MASKS["rows"], savings)
        own = list(model.parameters())
        first = torch.autograd.grad(model(IMAGES).square().mean(), own, create_graph=True)
        found.append(torch.autograd.grad(sum(one.sum() for one in first), own))  # type: ignore[arg-type]
        neq.close()
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-6)


def test_what_is_asked_for_the_input_alone_computes_no_weight_gradient() -> None:
    neq, model = frozen(MASKS["rows"], "rows")
    images = IMAGES.clone().requires_grad_(True)
    (found,) = torch.autograd.grad(model(images).sum(), images)
    neq.close()
    (expected,) = torch.autograd.grad(model(images).sum(), images)
    assert torch.equal(found, expected)
    assert all(one.grad is None for one in model.parameters())


def test_a_backward_pass_into_some_parameters_gives_theirs() -> None:
    neq, model = frozen(MASKS["rows"], "rows")
    own = model.get_parameter("0.weight")
    model(IMAGES).square().mean().backward(inputs=[own])
    assert own.grad is not None
    assert own.grad[~SOME].any()
    assert not own.grad[SOME].any()
    assert model.get_parameter("3.weight").grad is None
    neq.close()


def test_a_layer_of_which_nothing_was_kept_says_so_where_its_gradient_is_asked_for() -> None:
    neq, model = frozen(MASKS["whole conv"], "rows", NAdam)
    assert neq.plans()["0"].kind == "zeros"
    with pytest.raises(RuntimeError, match=r"layer '0' is frozen whole.*dense_pass\(\).*savings=False"):
        torch.autograd.grad(model(IMAGES).square().mean(), list(model.parameters()))
    with neq.dense_pass():
        assert torch.autograd.grad(model(IMAGES).square().mean(), model.get_parameter("0.weight"))[0].any()


def test_hooks_on_a_stopped_parameter_are_called_once_it_moves() -> None:
    neq, model = frozen(MASKS["whole"], "rows")
    own = model.get_parameter("0.weight")
    assert isinstance(own, StoppedParameter)
    called: list[str] = []
    own.register_hook(lambda grad: called.append("gradient"))  # type: ignore[no-untyped-call]
    own.register_post_accumulate_grad_hook(lambda one: called.append("summed"))  # type: ignore[no-untyped-call]
    own.retain_grad()
    model(IMAGES).square().mean().backward()
    assert called == []
    neq.freeze({})
    model(IMAGES).square().mean().backward()
    assert called == ["gradient", "summed"]


def test_a_stopped_layers_gradient_can_be_asked_for_within_a_dense_pass() -> None:
    found = []
    for savings in ("rows", False):
        neq, model = frozen(MASKS["whole"], savings)
        with neq.dense_pass() as dense:
            assert dense is (savings == "rows")
            found.append(torch.autograd.grad(model(IMAGES).square().mean(), list(model.parameters())))
        neq.close()
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
