"""Optimizers from a description."""

import pytest
import torch
from torch import nn

from contract.config import Adam, AdamW, Cnn, Optimizer, Sgd, TorchvisionSegmenter
from trainer.models import DataShape, build_model
from trainer.optimizers import build_optimizer, parameter_groups, set_learning_rate


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


def test_an_auxiliary_head_moves_at_so_many_times_the_rate() -> None:
    config = TorchvisionSegmenter(name="deeplabv3_mobilenet_v3_large", aux_lr_multiplier=10)
    model = build_model(config, DataShape(3, 32, 3), seed=0)
    optimizer = build_optimizer(Sgd(momentum=0, weight_decay=0), parameter_groups(config, model))
    set_learning_rate(optimizer, 0.01)
    head, rest = model.get_parameter("aux_classifier.4.bias"), model.get_parameter("classifier.4.bias")
    before = head.detach().clone(), rest.detach().clone()
    head.grad, rest.grad = torch.ones_like(head), torch.ones_like(rest)
    optimizer.step()
    torch.testing.assert_close(before[0] - head, torch.full_like(head, 0.1))
    torch.testing.assert_close(before[1] - rest, torch.full_like(rest, 0.01))
    held = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in model.parameters())


def test_other_networks_have_one_group() -> None:
    model = nn.Linear(2, 2)
    assert parameter_groups(Cnn(), model) == [{"params": list(model.parameters())}]
