"""Optimizers from a run's description."""

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from contract import config as described

RATE = "rate"
"""Under this name a parameter group holds what its learning rate is multiplied by."""


def parameter_groups(config: described.Model, model: nn.Module) -> list[dict[str, Any]]:
    """The network's parameters, those with a learning rate of their own apart."""
    auxiliary = getattr(model, "aux_classifier", None)
    if not isinstance(config, described.TorchvisionSegmenter) or auxiliary is None or config.aux_lr_multiplier == 1:
        return [{"params": list(model.parameters())}]
    apart = {id(parameter) for parameter in auxiliary.parameters()}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in apart]
    return [{"params": rest}, {"params": list(auxiliary.parameters()), RATE: config.aux_lr_multiplier}]


def build_optimizer(
    config: described.Optimizer, parameters: Iterable[nn.Parameter] | Iterable[dict[str, Any]]
) -> Optimizer:
    """torch's own optimizer with the run's values; `fused` takes one call a step instead of some a parameter."""
    match config:
        case described.Sgd():
            return SGD(
                parameters,
                lr=config.learning_rate,
                momentum=config.momentum,
                weight_decay=config.weight_decay,
                nesterov=config.nesterov,
                fused=True,
            )
        case described.Adam() | described.AdamW():
            kind = AdamW if isinstance(config, described.AdamW) else Adam
            return kind(
                parameters,
                lr=config.learning_rate,
                betas=(config.beta1, config.beta2),
                weight_decay=config.weight_decay,
                fused=True,
            )


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Gives every parameter group this learning rate, or that many times it which the group holds as its own."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group.get(RATE, 1)
