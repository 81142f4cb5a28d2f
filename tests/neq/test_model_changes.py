"""Models that gain parts, buffers that come and grow, and what cannot go on: told with layer, reason and remedy."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from neq import NEq
from neq.errors import ModelChanged
from neq.options import MeasureMode

BATCH = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))
WAYS = pytest.mark.parametrize("way", ["streaming", "cached"])


class Growing(nn.Module):
    """Blocks that more are put after; a table of rotations that grows; a mask that the first training step makes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(5, 6)
        self.blocks = nn.ModuleList([nn.Linear(6, 6)])
        self.head = nn.Linear(6, 4)
        self.register_buffer("rotations", torch.ones(6))
        self.register_buffer("mask", None, persistent=False)
        self.mask: Tensor | None

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = inputs + self.table.weight[0]
        for block in self.blocks:
            hidden = block(hidden).relu()
        hidden = hidden * self.rotations[:6]  # type: ignore[index]
        out: Tensor = self.head(hidden if self.mask is None else hidden * self.mask)
        return out


class Training:
    def __init__(self, way: MeasureMode, epsilon: float = 1e-3) -> None:
        self.model = Growing()
        self.optimizer = SGD(self.model.parameters(), lr=0.2)
        self.neq = NEq(self.model, self.optimizer, [BATCH], measure=way, epsilon=epsilon)

    def step(self) -> None:
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(BATCH), BATCH[:, :4].argmax(1)).backward()
        self.optimizer.step()


def phi(now: Tensor, before: Tensor) -> Tensor:
    return nn.functional.cosine_similarity(now.double().T, before.double().T, dim=1)


def given(model: nn.Module) -> Tensor:
    with torch.no_grad():
        return model(BATCH)  # type: ignore[no-any-return]


def more_rotations(model: Growing) -> None:
    model.rotations = torch.arange(7.0 + len(model.rotations))  # type: ignore[arg-type]


def first_mask(model: Growing) -> None:
    model.mask = torch.linspace(0, 2, 6) if model.mask is None else None


@WAYS
@pytest.mark.parametrize("change", [more_rotations, first_mask])
def test_buffers_that_come_go_and_grow_are_taken_as_they_are(
    change: Callable[[Growing], None], way: MeasureMode
) -> None:
    training = Training(way)
    before = given(training.model)
    for _ in range(4):
        change(training.model)
        training.step()
        now = given(training.model)
        found = training.neq.end_epoch().layers["head"].phi
        assert torch.allclose(found.double(), phi(now, before), rtol=0, atol=1e-6)
        before = now
    again = Training(way)
    again.neq.load_state_dict(training.neq.state_dict())


@WAYS
def test_a_block_that_is_put_after_the_others_is_watched_from_then_on(way: MeasureMode) -> None:
    training = Training(way)
    model = training.model
    for _ in range(2):
        training.step()
        training.neq.end_epoch()
    former = copy.deepcopy(model)
    block = nn.Linear(6, 6)
    model.blocks.append(block)
    training.optimizer.add_param_group({"params": block.parameters()})
    training.step()
    equilibrium = training.neq.end_epoch()
    assert list(equilibrium.layers) == ["blocks.0", "head"]
    former.blocks.append(copy.deepcopy(block))  # as though it had been there
    assert torch.allclose(equilibrium.layers["head"].phi.double(), phi(given(model), given(former)), rtol=0, atol=1e-6)
    assert "blocks.1" not in training.neq.unwatched
    for _ in range(2):
        before = given(model)
        training.step()
        equilibrium = training.neq.end_epoch()
        assert list(equilibrium.layers) == ["blocks.0", "blocks.1", "head"]
        found = equilibrium.layers["head"].phi
        assert torch.allclose(found.double(), phi(given(model), before), rtol=0, atol=1e-6)
    assert equilibrium.epoch == 4


@WAYS
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda model: setattr(model, "head", nn.Linear(6, 4)), "layer 'head' is another module"),
        (lambda model: setattr(model, "head", nn.Linear(6, 5)), "layer 'head' is another module"),
        (lambda model: model.blocks.__setitem__(0, nn.Identity()), "layer 'blocks.0' is another module"),
        (lambda model: model.blocks.__delitem__(0), "layer 'blocks.0' is no longer in the model"),
        (lambda model: setattr(model, "table", nn.Embedding(9, 6)), r"'table.weight' has shape \(9, 6\), and had \(5,"),
    ],
    ids=["head", "other classes", "taken out", "deleted", "more tokens"],
)
def test_what_cannot_be_compared_any_more_is_told_with_the_remedy(
    change: Callable[[Growing], None], told: str, way: MeasureMode
) -> None:
    training = Training(way)
    training.step()
    training.neq.end_epoch()
    change(training.model)
    for _ in range(2):
        with pytest.raises(ModelChanged, match=told) as raised:
            training.neq.end_epoch()
        assert raised.value.remedy == "change the model first, then make the optimizer and NEq anew"
    assert training.neq.state_dict()["decision"]["epoch"] == 1


@WAYS
def test_what_is_not_watched_may_be_replaced_or_go(way: MeasureMode) -> None:
    training = Training(way)
    training.model.extra = nn.Linear(3, 3)
    training.step()
    training.neq.end_epoch()
    del training.model.extra
    training.model.table = nn.Embedding(5, 6)
    training.step()
    assert training.neq.end_epoch().epoch == 1


def test_coverage_tells_what_is_trained_now() -> None:
    training = Training("cached")
    model = training.model
    of_blocks, of_all = 42, 30 + 42 + 28
    assert training.neq.coverage().fraction == (42 + 28) / of_all
    model.table.requires_grad_(False)
    model.head.requires_grad_(False)
    assert (training.neq.coverage().watched, training.neq.coverage().trainable) == (of_blocks, of_blocks)
    model.requires_grad_(True)
    assert training.neq.coverage().trainable == of_all
    model.extra = nn.Linear(2, 2)
    assert training.neq.coverage().trainable == of_all + 6


def test_a_layer_that_is_trained_since_is_told_as_watched_from_the_epochs_end_on() -> None:
    torch.manual_seed(0)
    model = Growing()
    model.head.requires_grad_(False)
    neq = NEq(model, SGD(model.parameters(), lr=0.1), [BATCH])
    assert neq.unwatched["head"] == "none of its parameters requires a gradient"
    model.head.requires_grad_(True)
    assert "watched from the next epoch's end on" in neq.unwatched["head"]
