"""A step that ends in an error, or by hand, moves nothing frozen, and nobody is blamed for it."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch.optim import SGD

from neq.errors import FrozenNeuronsChanged
from tests.neq.training_loop import Loop, applied_that_moved, network, weights

pytestmark = pytest.mark.usefixtures("held")


class Interrupted(SGD):
    """Stops in the midst of a step, after some parameters: by plain writes, or through `.data`."""

    after: int | None = None
    through_data = False

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        every = [one for group in self.param_groups for one in group["params"]]
        for place, one in enumerate(every):
            if place == self.after:
                raise KeyboardInterrupt
            (one.data if self.through_data else one).mul_(0.99)
            if one.grad is not None:
                one.add_(one.grad, alpha=-0.05)


def interrupted(through_data: bool = False) -> Loop:
    model = network()
    optimizer = Interrupted(model.parameters(), lr=0.05)
    optimizer.through_data = through_data
    loop = Loop(model, optimizer)
    loop.epoch()
    loop.neq.freeze({"0": torch.arange(8) < 4, "4": torch.ones(16, dtype=torch.bool), "6": torch.arange(4) < 2})
    loop.step(0)
    return loop


def interrupt(loop: Loop) -> None:
    assert isinstance(loop.optimizer, Interrupted)
    loop.optimizer.after = 5
    with pytest.raises(KeyboardInterrupt):
        loop.step(1)
    loop.optimizer.after = None


@pytest.mark.parametrize("through_data", [False, True])
@pytest.mark.parametrize("step_after", [False, True])
def test_what_an_interrupted_step_moved_is_restored_without_a_word(through_data: bool, step_after: bool) -> None:
    loop = interrupted(through_data)
    before, frozen = weights(loop.neq), loop.neq._masks()
    interrupt(loop)
    if step_after:
        loop.step(2)
    after = loop.neq.end_epoch()  # FrozenNeuronsChanged would be an error here
    assert applied_that_moved(after, loop.neq, before) == 0
    assert all(torch.equal(after.layers[name].applied, mask) for name, mask in frozen.items())


def test_what_is_written_on_and_on_after_an_interrupted_step_stays_and_is_told() -> None:
    loop = interrupted()
    before = weights(loop.neq)
    interrupt(loop)
    with torch.no_grad():
        for _ in range(3):  # more often than a whole step does
            loop.model[0].weight.mul_(0.5)  # type: ignore[index, union-attr, operator]
    theirs = weights(loop.neq)["0"][0]
    with pytest.warns(FrozenNeuronsChanged, match="layer '0'"):
        loop.neq.end_epoch()
    assert torch.equal(weights(loop.neq)["0"][0], theirs)
    for one, other in zip(weights(loop.neq)["4"], before["4"], strict=True):
        assert torch.equal(one, other)


def test_masks_that_change_after_an_interrupted_step_hold_what_was_before_it() -> None:
    loop = interrupted()
    before = weights(loop.neq)
    interrupt(loop)
    loop.neq.freeze({"4": torch.ones(16, dtype=torch.bool)})
    for one, other in zip(weights(loop.neq)["4"], before["4"], strict=True):
        assert torch.equal(one, other)


def test_a_state_that_is_loaded_after_an_interrupted_step_is_kept() -> None:
    loop = interrupted()
    best = {name: 0.5 * value for name, value in copy.deepcopy(loop.model.state_dict()).items()}
    interrupt(loop)
    loop.model.load_state_dict(best)
    loaded = weights(loop.neq)
    loop.step(2)
    with pytest.warns(FrozenNeuronsChanged):
        loop.neq.end_epoch()
    for one, other in zip(weights(loop.neq)["4"], loaded["4"], strict=True):
        assert torch.equal(one, other)
