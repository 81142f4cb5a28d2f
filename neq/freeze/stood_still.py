"""What is told as free and does not move, and what is told as frozen and was opened: looked at once an epoch."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from neq.checks import Checks
from neq.errors import FrozenNeuronsChanged, LayerStoodStill
from neq.freeze.freeze import Freezer, is_held
from neq.network.gradient_stop import trained
from neq.network.layers import WatchedLayer
from neq.network.optimizers import group_of


def check_opened(checks: Checks, layers: Sequence[WatchedLayer], opened: Mapping[str, Tensor], epoch: int) -> None:
    """A layer with frozen neurons became one that may not freeze: more of it is trained than before."""
    for layer in layers:
        if layer.name in opened:
            checks.doubtful(
                FrozenNeuronsChanged(
                    f"layer {layer.name!r}: more of it is trained since epoch {epoch}, and {layer.held_open}: its "
                    f"{int(opened[layer.name].sum())} frozen neurons count as not frozen in that epoch, and none "
                    "freezes from now on"
                )
            )


def check_stood_still(
    checks: Checks, layers: Sequence[WatchedLayer], model: nn.Module, former: Mapping[str, Tensor], freezer: Freezer
) -> None:
    """A layer of which nothing was frozen, and that is trained, moves where others do.

    Args:
        former: the model's parameters at the end of the epoch before, by name.
    """
    if not freezer.steps or freezer.resumed:
        return
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    free = [layer for layer in layers if not is_held(layer)]
    still = [layer for layer in free if _stood_still(layer, names, former) and _should_move(layer, freezer)]
    if still and len(still) < len(free):
        checks.doubtful(
            LayerStoodStill(
                f"layer {still[0].name!r} (one of {len(still)}) is free and its parameters require a gradient, but no "
                "step moved it: look whether the loss depends on it and its gradient arrives (detached, under no_grad, "
                "or switched off with requires_grad while stepping), or leave it out with "
                f"layers=LayerFilter(never=({still[0].name!r},))"
            ),
            once=True,
        )


def _stood_still(layer: WatchedLayer, names: Mapping[int, str], former: Mapping[str, Tensor]) -> bool:
    """A gradient of zeros has arrived: a layer that is faded in, or whose outputs are cut off for now, is well."""
    if any(parameter.grad is not None for parameter in layer.parameters()):
        return False
    pairs = [(parameter, former.get(names.get(id(parameter), ""))) for parameter in layer.parameters()]
    return all(was is not None and torch.equal(parameter.detach(), was) for parameter, was in pairs)


def _should_move(layer: WatchedLayer, freezer: Freezer) -> bool:
    """Whether an optimizer has a parameter of it that is trained, at a rate above 0."""
    groups = (
        group_of(optimizer, parameter)
        for parameter in layer.parameters()
        if trained(parameter)
        for optimizer in freezer.optimizers
    )
    return any(group is not None and float(group.get("lr", 1)) > 0 for group in groups)
