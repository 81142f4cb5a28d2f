"""Which neurons are not updated in the next epoch."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

SelectName = Literal["equilibrium", "none"]
Rule = Callable[[Tensor, float], Tensor]


def at_equilibrium(velocity: Tensor, epsilon: float) -> Tensor:
    """The paper's rule, |v| < ε, decided anew at every epoch's end, so that a neuron can thaw.

    Args:
        velocity: v, one value a neuron.
        epsilon: the threshold; at 0 nothing is at equilibrium.

    Returns:
        bool, one a neuron; a velocity of NaN is not at equilibrium.

    Source: arXiv:2207.09455. The released code uses |V| <= ε.
    """
    return velocity.abs() < epsilon


def never(velocity: Tensor, epsilon: float) -> Tensor:
    """Nothing is frozen: plain training, watched."""
    return torch.zeros_like(velocity, dtype=torch.bool)


_RULES: dict[SelectName, Rule] = {"equilibrium": at_equilibrium, "none": never}


def rule_named(name: SelectName) -> Rule:
    """The rule of that name.

    Raises:
        ValueError: there is none.
    """
    try:
        return _RULES[name]
    except KeyError:
        raise ValueError(f"select is {name!r}; choose one of {', '.join(_RULES)}") from None
