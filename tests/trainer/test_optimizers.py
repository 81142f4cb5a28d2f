"""Optimizers and learning rates from a description."""

import pytest
import torch
from torch import nn

from trainer.config import Adam, AdamW, Constant, Cosine, MultiStep, Optimizer, Sgd
from trainer.optimizers import build_optimizer, learning_rate_at, set_learning_rate


@pytest.mark.parametrize(
    ("config", "kind", "values"),
    [
        (
            Sgd(learning_rate=0.2, momentum=0.8, weight_decay=0.01, nesterov=True),
            torch.optim.SGD,
            {"lr": 0.2, "momentum": 0.8, "weight_decay": 0.01, "nesterov": True},
        ),
        (
            Adam(learning_rate=0.2, beta1=0.5, beta2=0.6, weight_decay=0.01),
            torch.optim.Adam,
            {"lr": 0.2, "betas": (0.5, 0.6), "weight_decay": 0.01},
        ),
        (AdamW(weight_decay=0.1), torch.optim.AdamW, {"lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 0.1}),
    ],
    ids=["sgd", "adam", "adamw"],
)
def test_every_value_reaches_torchs_own_optimizer(config: Optimizer, kind: type, values: dict[str, object]) -> None:
    optimizer = build_optimizer(config, nn.Linear(2, 2).parameters())
    assert type(optimizer) is kind
    assert {name: optimizer.param_groups[0][name] for name in values} == values


def test_the_rate_falls_at_the_milestones() -> None:
    schedule = MultiStep(milestones=(2, 4), factor=0.5)
    rates = [learning_rate_at(schedule, initial=0.8, epoch=epoch, epochs=6) for epoch in range(6)]
    assert rates == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]


def test_a_cosine_starts_at_the_top_and_is_half_way_in_the_middle() -> None:
    rates = [learning_rate_at(Cosine(), initial=2.0, epoch=epoch, epochs=4) for epoch in range(5)]
    assert rates == pytest.approx([2.0, 1 + 0.5**0.5, 1.0, 1 - 0.5**0.5, 0.0])


def test_a_constant_rate_stays() -> None:
    assert {learning_rate_at(Constant(), initial=0.3, epoch=epoch, epochs=9) for epoch in range(9)} == {0.3}


def test_a_rate_is_set_for_every_parameter_group() -> None:
    optimizer = torch.optim.SGD([{"params": [nn.Parameter(torch.ones(1))]} for _ in range(2)], lr=1.0)
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
