"""Optimizers from a run's description."""

from collections.abc import Iterable

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from trainer import config as described


def build_optimizer(config: described.Optimizer, parameters: Iterable[nn.Parameter]) -> Optimizer:
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
    """Gives every parameter group this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
