"""Optimizers and learning rates from a run's description."""

import math
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


def learning_rate_at(config: described.Schedule, *, initial: float, epoch: int, epochs: int) -> float:
    """The learning rate that an epoch (from 0) of a run of so many epochs is trained with."""
    match config:
        case described.Constant():
            return initial
        case described.MultiStep():
            drops = sum(milestone <= epoch for milestone in config.milestones)
            return initial * config.factor**drops
        case described.Cosine():
            return initial * 0.5 * (1 + math.cos(math.pi * epoch / epochs))


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Gives every parameter group this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
