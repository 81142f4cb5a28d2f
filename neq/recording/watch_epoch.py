"""One watch's epoch: what `end_epoch` found, copied in one go, for the recorder's thread to work on."""

from collections.abc import Mapping

import torch
from torch import Tensor

from neq.equilibrium import Equilibrium, GroupEquilibrium, LayerEquilibrium
from neq.recording.scalars import Number

MASKS = ("applied", "frozen", "at_equilibrium", "dead", "churning")


class WatchEpoch:
    """All layers' neurons of one watch, behind each other in forward order.

    Made on the training's thread: it copies, since the owner of an equilibrium may do with its tensors what they like,
    and leaves everything else to the recorder's.

    Args:
        equilibrium: as `NEq.end_epoch` gave it.
        first: number of its first layer among the run's.
        learning_rate: of the optimizer's first parameter group; None where it has none.
        probe_seconds: that measuring and deciding took.

    Attributes:
        sizes: neurons, by layer.
        divergence: 1 − φ, float32, one value a neuron.
        velocity: float32, of the layers that have one.
        has_velocity: bool, by layer.
        masks: bool (neurons,), by the names of `MASKS`.
        groups: of `Equilibrium`.
        record_seconds: that making this took.
    """

    def __init__(
        self, equilibrium: Equilibrium, first: int, learning_rate: Number | None, probe_seconds: float
    ) -> None:
        layers = list(equilibrium.layers.values())
        self.first, self.learning_rate = first, learning_rate
        self.probe_seconds, self.record_seconds = probe_seconds, 0.0
        self.groups: Mapping[str, GroupEquilibrium] = dict(equilibrium.groups)
        self.sizes = tuple([layer.frozen.numel() for layer in layers])
        self.has_velocity = tuple([layer.velocity is not None for layer in layers])
        neurons = sum(self.sizes)
        moving = [layer for layer in layers if layer.velocity is not None]
        self.velocity = _joined(moving, "velocity", sum([layer.frozen.numel() for layer in moving])) if moving else None
        self.masks: Mapping[str, Tensor] = {name: _joined(layers, name, neurons) for name in MASKS}
        self.divergence = _joined(layers, "divergence", neurons)


def _joined(layers: list[LayerEquilibrium], name: str, neurons: int) -> Tensor:
    """A copy of what all these layers have under a name, behind each other.

    NEq cuts one tensor of all neurons up layer by layer. Where these are such pieces, from the first to the last, the
    whole is copied at once: of 66 layers that takes a tenth of the time.
    """
    first, last = getattr(layers[0], name), getattr(layers[-1], name)
    whole: Tensor | None = first._base
    if (
        whole is not None
        and whole is last._base
        and whole.dim() == 1
        and whole.is_contiguous()
        and first.storage_offset() == whole.storage_offset()
        and whole.numel() == neurons
    ):
        return whole.detach().clone()
    return torch.cat([getattr(layer, name) for layer in layers])
