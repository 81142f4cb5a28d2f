"""Rows that are held by masks, many parameters at once: what may come between a backward pass and its end."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.checkpoint import checkpoint

from neq import NEq
from neq.freeze.held_together import SMALL

FROZEN = torch.tensor([True, False, True, False])
INPUTS = torch.randn(6, 3, generator=torch.Generator().manual_seed(3))


@pytest.fixture(autouse=True)
def _by_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neq.freeze.holding.by_index", lambda parameter: False)


class Network(nn.Module):
    """Two linear layers, the first frozen in part, in whatever way they are called."""

    def __init__(self, call: Callable[["Network", Tensor], Tensor] | None = None, width: int = 4) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(3, width), nn.Linear(width, 2)
        self.call = call

    def forward(self, inputs: Tensor) -> Tensor:
        if self.call is not None:
            return self.call(self, inputs)
        return self.last(self.first(inputs).tanh())  # type: ignore[no-any-return]


def watched(model: Network, frozen: Tensor = FROZEN, **options: Any) -> tuple[NEq, SGD]:
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    neq = NEq(model, optimizer, [INPUTS], savings=False, **options)
    neq.freeze({"first": frozen})
    return neq, optimizer


def rows_of(gradient: Tensor | None) -> list[bool]:
    """Which rows of a gradient are not zero."""
    assert gradient is not None
    return (gradient != 0).reshape(len(gradient), -1).any(1).tolist()  # type: ignore[no-any-return]


def _checkpointed(model: Network, inputs: Tensor) -> Tensor:
    hidden = checkpoint(model.first, inputs.clone().requires_grad_(), use_reentrant=True)
    return model.last(hidden.tanh() + model.first(inputs))  # type: ignore[no-any-return]


def _used_twice(model: Network, inputs: Tensor) -> Tensor:
    hidden = model.first(inputs) + nn.functional.linear(inputs, 2 * model.first.weight)
    return model.last(hidden.tanh())  # type: ignore[no-any-return]


@pytest.mark.parametrize("call", [None, _checkpointed, _used_twice])
def test_gradients_are_zero_after_any_kind_of_backward_pass(call: Any) -> None:
    model = Network(call)
    _neq = watched(model)
    model(INPUTS).square().sum().backward()
    model(INPUTS).square().sum().backward()
    assert rows_of(model.first.weight.grad) == (~FROZEN).tolist()
    assert rows_of(model.first.bias.grad) == (~FROZEN).tolist()


def _fail(gradient: Tensor) -> None:
    raise ArithmeticError("on purpose")


def fail_in_the_end(model: Network) -> None:
    """A backward pass that reaches the weights, and raises behind them."""
    leaf = INPUTS.clone().requires_grad_()
    leaf.register_hook(_fail)
    with pytest.raises(ArithmeticError):
        model(1 * leaf).square().sum().backward()
    assert rows_of(model.first.weight.grad) == [True] * 4


def test_a_backward_pass_that_ends_in_an_error_leaves_nothing_to_the_next() -> None:
    model = Network()
    _neq = watched(model)
    fail_in_the_end(model)
    model(INPUTS).square().sum().backward()
    assert rows_of(model.first.weight.grad) == (~FROZEN).tolist()


def test_a_step_after_such_a_pass_gives_frozen_rows_no_momentum() -> None:
    model = Network()
    _neq, optimizer = watched(model)
    fail_in_the_end(model)
    optimizer.step()
    assert rows_of(model.first.weight.grad) == (~FROZEN).tolist()


def test_where_processes_train_together_each_gradient_is_zero_before_it_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("neq.freeze.holding._trains_together", lambda: True)
    model, sent = Network(), []
    _neq = watched(model)
    model.first.weight.register_post_accumulate_grad_hook(lambda parameter: sent.append(rows_of(parameter.grad)))
    model(INPUTS).square().sum().backward()
    assert sent == [(~FROZEN).tolist()]


def test_no_bit_of_what_moves_changes_and_nothing_of_what_is_frozen_is_left() -> None:
    model = Network()
    _neq = watched(model)
    odd = torch.tensor([float("nan"), -0.0, float("inf"), 1e-45, -float("nan"), 1.0]).reshape(2, 3)
    weight = odd.repeat_interleave(2, 0)  # the same bits in a frozen row and in one that moves
    (model.first.weight * weight).sum().backward()
    gradient = model.first.weight.grad
    assert gradient is not None
    assert torch.equal(gradient[~FROZEN].view(torch.int32), weight[~FROZEN].view(torch.int32))
    assert torch.equal(gradient[FROZEN].view(torch.int32), torch.zeros(2, 3, dtype=torch.int32))


def test_values_come_back_to_the_bit_from_a_step_that_gives_nan() -> None:
    model = Network()
    with torch.no_grad():
        model.first.weight[0] = torch.tensor([float("nan"), -0.0, 1e-45])
    before = model.first.weight.detach().clone()
    _neq, optimizer = watched(model, checks="off")
    model.first.weight.grad = torch.full((4, 3), float("nan"))
    optimizer.step()
    bits = model.first.weight.detach().view(torch.int32)
    assert torch.equal(bits[FROZEN], before.view(torch.int32)[FROZEN])
    assert bool(model.first.weight[~FROZEN].isnan().all())


GRADIENTS: dict[str, Callable[[int], Tensor | None]] = {
    "transposed": lambda width: torch.ones(3, width).t(),
    "of every second column": lambda width: torch.ones(width, 6)[:, ::2],
    "sparse": lambda width: torch.ones(width, 3).to_sparse(1),
    "none": lambda width: None,
}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("layout", GRADIENTS)
def test_gradients_of_other_layouts_are_zeroed_or_left_as_an_index_leaves_them(layout: str, large: bool) -> None:
    width = SMALL // 2 if large else 4
    frozen = torch.arange(width) % 2 == 0
    model = Network(width=width)
    neq, _ = watched(model, frozen)
    model.first.weight.grad = gradient = GRADIENTS[layout](width)
    neq.freeze({"first": frozen})  # gradients that are there say nothing of what is frozen
    if gradient is not None:
        expected = torch.ones(width, dtype=torch.bool) if layout == "sparse" else ~frozen
        assert rows_of(gradient.to_dense()) == expected.tolist()


@pytest.mark.filterwarnings("ignore:Using backward")
def test_a_gradient_that_is_differentiated_once_more_has_zeros_that_autograd_knows() -> None:
    model = Network()
    _neq = watched(model)
    model(INPUTS).square().sum().backward(create_graph=True)
    gradient = model.first.weight.grad
    assert gradient is not None
    assert rows_of(gradient) == (~FROZEN).tolist()
    (again,) = torch.autograd.grad(gradient[FROZEN].sum(), model.last.weight, allow_unused=True)
    assert again is None or not again.any()
    model.zero_grad()


def _to_double(model: Network) -> None:
    model.double()


def _to_another_place(model: Network) -> None:
    for parameter in model.parameters():
        parameter.data = parameter.data.clone()


def _to_another_layout(model: Network) -> None:
    model.first.weight.data = model.first.weight.data.t().contiguous().t()


def _from_small_to_alone(model: Network) -> None:
    model.first.weight.data = torch.stack([model.first.weight.data] * 2, 2)[..., 0]


@pytest.mark.parametrize("change", [_to_double, _to_another_place, _to_another_layout, _from_small_to_alone])
def test_a_model_that_is_moved_keeps_what_is_frozen(change: Callable[[Network], None]) -> None:
    model = Network()
    neq, optimizer = watched(model)
    before = [one.detach().clone() for one in (model.first.weight, model.first.bias)]
    for number in range(4):
        if number == 2:
            change(model)
        optimizer.zero_grad()
        model(INPUTS.to(model.first.weight.dtype)).square().sum().backward()
        optimizer.step()
        if number == 2:
            assert rows_of(model.first.weight.grad) == (~FROZEN).tolist()
    for parameter, was in zip((model.first.weight, model.first.bias), before, strict=True):
        assert torch.equal(parameter[FROZEN], was.to(parameter)[FROZEN])
        assert not (parameter[~FROZEN] == was.to(parameter)[~FROZEN]).any()
    assert neq._freezer.moved() == {}


def test_a_bias_of_two_layers_is_held_for_both() -> None:
    model = Network(lambda own, inputs: own.first(inputs) + own.last(inputs).tanh())
    model.last = nn.Linear(3, 4)
    model.last.bias = model.first.bias
    neq, optimizer = watched(model)
    neq.freeze({"first": FROZEN, "last": torch.tensor([True, True, False, False])})
    before = model.first.bias.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        model(INPUTS).square().sum().backward()
        assert rows_of(model.first.bias.grad) == [False, False, False, True]
        optimizer.step()
    assert (model.first.bias != before).tolist() == [False, False, False, True]


def test_what_it_takes_of_memory_is_counted() -> None:
    model = Network()
    neq, _optimizer = watched(model)
    pieces = 2 * 64  # weight and bias, in pieces of 64 values
    assert neq.memory().held == pieces * (4 + 4 + 1)
    neq.freeze({"first": torch.ones(4, dtype=torch.bool), "last": torch.tensor([True, False])})
    assert neq._freezer.nbytes_at_most == neq.memory().held + neq.memory().optimizer_rows
    neq.freeze({})
    assert neq.memory().held == 0
