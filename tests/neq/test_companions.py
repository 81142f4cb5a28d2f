"""Parameters without neurons that stand still with a frozen prefix."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torchvision.models.swin_transformer import SwinTransformerBlock

from bench.kept import kept_bytes
from neq import LayerFilter, NEq

TABLE = "attn.relative_position_bias_table"


def blocks(number: int = 3) -> nn.Module:
    """Swin's, and a head."""
    torch.manual_seed(0)
    return nn.Sequential(*[SwinTransformerBlock(16, 2, [4, 4], [0, 0]) for _ in range(number)], nn.Linear(16, 4))


def images(count: int = 2) -> Tensor:
    return torch.randn(count, 8, 8, 16, generator=torch.Generator().manual_seed(1))


def optimizer(name: str, model: nn.Module) -> torch.optim.Optimizer:
    if name == "sgd":
        return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-2)
    return torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)


def step(model: nn.Module, optim: torch.optim.Optimizer) -> None:
    optim.zero_grad()
    model(images()).square().mean().backward()
    optim.step()


def whole(neq: NEq, *places: str) -> dict[str, Tensor]:
    """Masks that freeze every layer whose name begins so."""
    chosen = [layer for layer in neq.layers if layer.name.startswith(places)]
    return {layer.name: torch.ones(layer.neurons, dtype=torch.bool) for layer in chosen}


def watched(model: nn.Module, optim: torch.optim.Optimizer, **options: Any) -> NEq:
    return NEq(model, optim, [images()], select="prefix", fraction=0.9, **options)


@pytest.mark.parametrize("savings", [True, False])
@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_what_has_no_neurons_stands_still_to_the_bit_and_thaws_with_its_momentum(name: str, savings: bool) -> None:
    model = blocks()
    optim = optimizer(name, model)
    with watched(model, optim, savings=savings) as neq:
        step(model, optim)
        neq.freeze(whole(neq, "0.", "1."))
        assert neq.held_along == (f"0.{TABLE}", f"1.{TABLE}")
        tables = [model.get_parameter(f"{block}.{TABLE}") for block in range(3)]
        held = [table.detach().clone() for table in tables]
        momentum = {
            key: value.clone()
            for key, value in optim.state[tables[0]].items()
            if isinstance(value, Tensor) and value.dim()
        }
        assert momentum
        for _ in range(5):
            step(model, optim)
        assert torch.equal(tables[0], held[0])
        assert torch.equal(tables[1], held[1])
        assert not torch.equal(tables[2], held[2])
        neq.freeze({})
        assert neq.held_along == ()
        for key, value in momentum.items():
            assert torch.equal(optim.state[tables[0]][key], value)
        step(model, optim)
        assert not torch.equal(tables[0], held[0])


def test_savings_change_no_loss() -> None:
    losses = []
    for savings in (True, False):
        model = blocks()
        optim = optimizer("sgd", model)
        with watched(model, optim, savings=savings) as neq:
            for masks in ({}, whole(neq, "0."), whole(neq, "0.", "1."), {}):
                neq.freeze(masks)
                for _ in range(3):
                    step(model, optim)
            losses.append(model(images()).square().mean().item())
    assert losses[0] == losses[1]


def test_the_prefix_keeps_nothing_for_the_backward_pass() -> None:
    kept = {}
    for select, share in (("prefix", 0.9), ("equilibrium", None)):
        model = blocks()
        optim = optimizer("sgd", model)
        with NEq(model, optim, [images()], select=select, fraction=share) as neq:  # type: ignore[arg-type]
            dense = kept_bytes(model, images())
            step(model, optim)
            neq.freeze(whole(neq, "0.", "1."))
            kept[select] = kept_bytes(model, images()) / dense
    assert kept["prefix"] < 0.36  # a block of three, and the head
    assert kept["equilibrium"] > 0.5


@pytest.mark.parametrize(
    ("frozen", "why"),
    [
        (("1.",), "the first block moves, so these are no prefix"),
        (("0.norm1", "0.attn"), ""),
        (("0.norm1", "0.attn.qkv"), "one of the attention's two layers moves"),
        ((), "nothing is frozen"),
    ],
)
def test_held_are_those_whose_layers_all_lie_in_the_prefix(frozen: tuple[str, ...], why: str) -> None:
    model = blocks(2)
    with watched(model, optimizer("sgd", model)) as neq:
        neq.freeze(whole(neq, *frozen) if frozen else {})
        assert neq.held_along == (() if why else (f"0.{TABLE}",))


def test_a_layer_frozen_but_for_one_neuron_holds_nothing_along() -> None:
    model = blocks(1)
    with watched(model, optimizer("sgd", model)) as neq:
        masks = whole(neq, "0.")
        masks["0.attn.proj"][3] = False
        neq.freeze(masks)
        assert neq.held_along == ()


def test_other_selections_leave_what_has_no_neurons_free() -> None:
    model = blocks()
    optim = optimizer("sgd", model)
    with NEq(model, optim, [images()]) as neq:
        step(model, optim)
        neq.freeze(whole(neq, "0.", "1."))
        assert neq.held_along == ()
        before = model.get_parameter(f"0.{TABLE}").detach().clone()
        step(model, optim)
        assert not torch.equal(model.get_parameter(f"0.{TABLE}"), before)


def test_layers_that_their_owner_does_not_watch_go_on() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.seen = nn.Linear(4, 4)
            self.plain = nn.Linear(4, 4)
            self.computed = parametrizations.weight_norm(nn.Linear(4, 4))
            self.scale = nn.Parameter(torch.ones(4))
            self.heat = nn.Parameter(torch.ones(()))

        def forward(self, inputs: Tensor) -> Tensor:
            outputs: Tensor = self.computed(self.plain(self.seen(inputs)) * self.scale * self.heat)
            return outputs

    model = nn.Sequential(Pair(), nn.Linear(4, 2))
    layer_filter = LayerFilter(never=("0.plain", "0.computed"))
    probe = [torch.randn(3, 4)]
    with NEq(model, optimizer("sgd", model), probe, select="prefix", fraction=1.0, layers=layer_filter) as neq:
        neq.freeze(whole(neq, "0.seen"))
        assert neq.held_along == ("0.scale",)  # and not 0.heat, which has no dimension to hold it by


def test_plans_are_those_of_the_watched_layers() -> None:
    model = blocks()
    with watched(model, optimizer("sgd", model)) as neq:
        neq.freeze(whole(neq, "0."))
        assert list(neq.plans()) == [layer.name for layer in neq.layers]


@pytest.mark.parametrize("savings", [True, False])
def test_a_run_continued_from_a_state_goes_the_same_way(savings: bool) -> None:
    model = blocks()
    optim = optimizer("sgd", model)
    with watched(model, optim, savings=savings) as neq:
        step(model, optim)
        neq.freeze(whole(neq, "0."))
        step(model, optim)
        states = copy.deepcopy((model.state_dict(), optim.state_dict(), neq.state_dict()))
        again = blocks()
        optim_again = optimizer("sgd", again)
        again.load_state_dict(states[0])
        optim_again.load_state_dict(states[1])
        with watched(again, optim_again, savings=savings) as other:
            other.load_state_dict(states[2])
            assert other.held_along == neq.held_along != ()
            for masks in (None, {}):
                for one in (neq, other):
                    if masks is not None:
                        one.freeze(masks)
                for _ in range(3):
                    step(model, optim)
                    step(again, optim_again)
                for mine, theirs in zip(model.parameters(), again.parameters(), strict=True):
                    assert torch.equal(mine, theirs)
