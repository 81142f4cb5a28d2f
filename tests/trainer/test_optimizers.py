"""Optimizers from a description."""

import pytest
import torch
from torch import nn

from trainer.config import Adam, AdamW, Optimizer, Sgd
from trainer.optimizers import build_optimizer, set_learning_rate


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


def test_a_rate_is_set_for_every_parameter_group() -> None:
    optimizer = torch.optim.SGD([{"params": [nn.Parameter(torch.ones(1))]} for _ in range(2)], lr=1.0)
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
