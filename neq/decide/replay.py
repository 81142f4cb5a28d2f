"""Masks that were decided elsewhere, epoch by epoch: a control with another training's freezing and not its signal."""

from collections.abc import Sequence

import torch
from torch import Tensor

from neq.network.layers import WatchedLayer
from neq.options import ReplayedMasks


class Replay:
    """Gives each epoch the masks that it was handed for it.

    Args:
        masks: of each epoch, from 0, those that hold in it.
        layers: the watched ones.
    """

    def __init__(self, masks: ReplayedMasks, layers: Sequence[WatchedLayer]) -> None:
        self._masks, self._layers = masks, layers

    def held_in(self, epoch: int) -> Tensor:
        """Who is frozen in an epoch: bool, one value a neuron, layers one after the other.

        Raises:
            ValueError: there are no masks for the epoch, or they are of other layers, or freeze what may not be frozen.
        """
        named = self._named(epoch)
        known = {layer.name: layer for layer in self._layers}
        for name, mask in named.items():
            if name not in known:
                raise ValueError(f"masks of epoch {epoch}: {name!r} is no watched layer; `NEq.layers` lists them")
            check_mask(known[name], mask)
        frozen = torch.cat(
            [named.get(layer.name, torch.zeros(layer.neurons, dtype=torch.bool)).cpu() for layer in self._layers]
        )
        if bool(frozen.all()):
            raise ValueError(f"masks of epoch {epoch} freeze every neuron: leave one, or there is no step to make")
        return frozen

    def _named(self, epoch: int) -> dict[str, Tensor]:
        if callable(self._masks):
            given = self._masks(epoch)
        elif epoch in self._masks:
            given = self._masks[epoch]
        else:
            raise ValueError(f"there are no masks for epoch {epoch}: give those of one epoch more than are trained")
        return {name: torch.as_tensor(mask) for name, mask in given.items()}


def check_mask(layer: WatchedLayer, mask: Tensor) -> None:
    """A mask that is to hold a layer's neurons.

    Raises:
        ValueError: it has another shape or type, or the layer may not be frozen.
    """
    if mask.dtype != torch.bool or mask.shape != (layer.neurons,):
        raise ValueError(
            f"the mask of {layer.name!r} is {mask.dtype} of shape {tuple(mask.shape)}; "
            f"it must be torch.bool of shape ({layer.neurons},)"
        )
    if layer.held_open is not None and bool(mask.any()):
        raise ValueError(f"{layer.name!r} cannot be frozen: {layer.held_open}")
