"""Masks that another training decided, held epoch by epoch: the same training, without its signal."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from neq import Equilibrium, LayerFilter
from tests.neq.training_loop import Loop

EPOCHS = 6
Masks = dict[int, dict[str, Tensor]]


def decided(loop: Loop) -> tuple[list[Equilibrium], Masks]:
    """What the rule found, and by epoch the masks that held in it."""
    found = [loop.epoch() for _ in range(EPOCHS)]
    first = {name: layer.applied for name, layer in found[0].layers.items()}
    later = [{name: layer.frozen for name, layer in each.layers.items()} for each in found]
    return found, dict(enumerate([first, *later]))


def assert_same(one: Loop, other: Loop) -> None:
    after = other.model.state_dict()
    assert [name for name, value in one.model.state_dict().items() if not torch.equal(value, after[name])] == []


@pytest.mark.parametrize("how", ["mapping", "function", "numpy"])
@pytest.mark.parametrize("options", [{}, {"always_freeze": 1}, {"select": "random", "fraction": 0.5}], ids=str)
def test_a_training_that_replays_itself_is_itself_to_the_bit(options: dict[str, Any], how: str) -> None:
    source = Loop(**options)
    found, masks = decided(source)
    assert any(0 < each.frozen_fraction < 1 for each in found), "there was something to replay"
    arrays = {epoch: {name: mask.numpy() for name, mask in each.items()} for epoch, each in masks.items()}
    given = {"mapping": masks, "function": masks.__getitem__, "numpy": arrays}[how]
    # Nothing of its own rule: no neuron would freeze at ε = 0, none before epoch 100, and all would stay frozen.
    replay = Loop(select="replay", masks=given, epsilon=0.0, warmup=100, pinning=True)
    assert replay.neq.first_freezing_epoch == 0
    for theirs in found:
        mine = replay.epoch()
        for name, layer in theirs.layers.items():
            assert torch.equal(mine.layers[name].applied, layer.applied)
            assert torch.equal(mine.layers[name].frozen, layer.frozen)
            assert torch.equal(mine.layers[name].divergence, layer.divergence)  # measured anew, and the same
    assert_same(source, replay)


def test_it_goes_on_from_its_state_with_the_masks_of_that_epoch() -> None:
    source = Loop()
    _, masks = decided(source)
    first, second = (Loop(select="replay", masks=masks) for _ in range(2))
    for _ in range(3):
        first.epoch()
    second.model.load_state_dict(first.model.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.neq.load_state_dict(first.neq.state_dict())
    for _ in range(3, EPOCHS):
        second.epoch()
    assert_same(source, second)


def ones(count: int) -> Tensor:
    return torch.ones(count, dtype=torch.bool)


ALL = {"0": ones(8), "1": ones(8), "4": ones(16), "6": ones(4)}


@pytest.mark.parametrize(
    ("masks", "options", "words"),
    [
        ({0: {"9": ones(4)}}, {}, "masks of epoch 0: '9' is no watched layer"),
        ({0: {"4": ones(15)}}, {}, r"the mask of '4' is torch.bool of shape \(15,\); it must be .* shape \(16,\)"),
        ({0: {"4": np.zeros(16)}}, {}, "the mask of '4' is torch.float64"),
        ({0: {"4": ones(16)}}, {"layers": LayerFilter(never_freeze=("4",))}, "'4' cannot be frozen"),
        ({0: ALL}, {}, "masks of epoch 0 freeze every neuron"),
        ({1: {}}, {}, "there are no masks for epoch 0"),
        (None, {}, "the selection replay needs masks"),
        ({0: {}}, {"select": "topk", "fraction": 0.5}, "masks are for the selection replay, and select is 'topk'"),
    ],
)
def test_masks_that_do_not_fit_are_refused_before_the_first_step(
    masks: Any, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        Loop(**({"select": "replay", "masks": masks} | options))


def test_masks_that_run_out_are_told_and_nothing_is_decided() -> None:
    loop = Loop(select="replay", masks={0: {}, 1: {"4": ones(16)}})
    loop.epoch()
    with pytest.raises(ValueError, match="no masks for epoch 2: give those of one epoch more than are trained"):
        loop.epoch()


def test_masks_must_be_by_epoch() -> None:
    with pytest.raises(TypeError, match="masks is a list; give a mapping by epoch"):
        Loop(select="replay", masks=[{}])
