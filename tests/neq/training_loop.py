"""A small training whose neurons freeze within a few epochs, for tests of what people do around their loops."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from neq import Equilibrium, NEq

INPUTS = torch.randn(100, 1, 8, 8, generator=torch.Generator().manual_seed(7))
LABELS = INPUTS.flatten(1)[:, :4].argmax(1)
PROBE = [INPUTS[:20], INPUTS[20:40]]


class Loop:
    """Model, optimizer and NEq; `epoch()` trains and ends one.

    Args:
        epsilon: large enough to freeze about half of the neurons from the third epoch on.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        optimizer: Optimizer | None = None,
        probe: Iterable[Any] = PROBE,
        *,
        epsilon: float = 0.05,
        **options: Any,
    ) -> None:
        self.model = network() if model is None else model
        self.optimizer = optimizer or SGD(self.model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
        self.neq = NEq(self.model, self.optimizer, probe, epsilon=epsilon, **options)

    def step(self, place: int = 0, optimizer: Optimizer | None = None) -> None:
        optimizer = optimizer or self.optimizer
        optimizer.zero_grad()
        rows = slice(25 * place, 25 * place + 25)
        nn.functional.cross_entropy(self.model(INPUTS[rows]), LABELS[rows]).backward()
        optimizer.step()

    def train(self, optimizer: Optimizer | None = None) -> None:
        for place in range(4):
            self.step(place, optimizer)

    def epoch(self) -> Equilibrium:
        self.train()
        return self.neq.end_epoch()

    def until_some_freeze(self) -> Equilibrium:
        """Ends epochs until a layer is frozen whole and another in part, or there are eight."""
        for _ in range(8):
            equilibrium = self.epoch()
            frozen = [layer.frozen for layer in equilibrium.layers.values()]
            if any(bool(mask.all()) for mask in frozen) and any(0 < int(mask.sum()) < len(mask) for mask in frozen):
                return equilibrium
        raise AssertionError("this training freezes nothing, so that the test would show nothing")


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 16), nn.ReLU(), nn.Linear(16, 4)
    )


def weights(neq: NEq) -> dict[str, list[Tensor]]:
    """What each neuron owns, by layer: one tensor (neurons, values) a parameter."""
    return {
        layer.name: [layer.by_neuron(parameter.detach()).clone() for parameter in layer.parameters()]
        for layer in neq.layers
    }


def moved(neq: NEq, before: dict[str, list[Tensor]]) -> dict[str, Tensor]:
    """Which neurons differ by a bit from what they were: bool, by layer."""
    now = weights(neq)
    return {
        name: torch.stack([(one != other).any(1) for one, other in zip(now[name], owned, strict=True)]).any(0)
        for name, owned in before.items()
    }


def frozen_that_moved(equilibrium: Equilibrium, neq: NEq, before: dict[str, list[Tensor]]) -> int:
    """How many of the neurons that were to stand still did not."""
    return sum(int((mask & equilibrium.layers[name].frozen).sum()) for name, mask in moved(neq, before).items())


def applied_that_moved(equilibrium: Equilibrium, neq: NEq, before: dict[str, list[Tensor]]) -> int:
    """How many of the neurons that are told to have stood still did not."""
    return sum(int((mask & equilibrium.layers[name].applied).sum()) for name, mask in moved(neq, before).items())


def held_to_the_end(neq: NEq, before: dict[str, list[Tensor]], masks: dict[str, Tensor]) -> int:
    """Ends an epoch in which just these neurons, by layer, are told to have stood still, and did.

    Args:
        before: as `weights` gave them when the epoch began.
    Returns:
        how many they are.
    """
    equilibrium = neq.end_epoch()
    assert applied_that_moved(equilibrium, neq, before) == 0
    assert all(torch.equal(equilibrium.layers[name].applied, mask) for name, mask in masks.items())
    return sum(int(mask.sum()) for mask in masks.values())
