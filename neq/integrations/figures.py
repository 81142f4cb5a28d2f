"""What is logged of an epoch's equilibrium: a few figures over all watched neurons."""

from collections.abc import Callable

import torch
from torch import Tensor

from neq import Equilibrium, LayerEquilibrium


def figures(equilibrium: Equilibrium) -> dict[str, float]:
    """The figures that the callbacks log, by name.

    Returns:
        `neq/frozen_fraction` (decided now, holds in the next epoch), `neq/applied_fraction` (held in the one that
        ended), `neq/churning_fraction` and `neq/dead_fraction`, fractions of all neurons in 0–1; `neq/phi`, the mean of
        φ; `neq/speed`, the mean of |v|, from the first epoch that has a v.
    """
    found = {
        "neq/frozen_fraction": equilibrium.frozen_fraction,
        "neq/applied_fraction": equilibrium.applied_fraction,
        "neq/churning_fraction": _mean(equilibrium, lambda layer: layer.churning),
        "neq/dead_fraction": _mean(equilibrium, lambda layer: layer.dead),
        "neq/phi": _mean(equilibrium, lambda layer: layer.phi),
        "neq/speed": _mean(equilibrium, lambda layer: None if layer.velocity is None else layer.velocity.abs()),
    }
    return {name: value for name, value in found.items() if value is not None}


def _mean(equilibrium: Equilibrium, of: Callable[[LayerEquilibrium], Tensor | None]) -> float | None:
    values = [column for layer in equilibrium.layers.values() if (column := of(layer)) is not None]
    return float(torch.cat(values).double().mean()) if values else None
