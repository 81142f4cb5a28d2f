"""Layers that are frozen before the first step and never thaw: a static prefix, to compare what a rule freezes with."""

from collections.abc import Sequence

from neq.network.discovery import Pattern, matches
from neq.network.layers import WatchedLayer

AlwaysFreeze = int | tuple[Pattern, ...]
"""The first so many watched layers in forward order; or names, with wildcards, and classes."""


def named_always(wanted: AlwaysFreeze, layers: Sequence[WatchedLayer]) -> frozenset[str]:
    """Names of the layers that are always frozen.

    Args:
        layers: the watched ones, in forward order.

    Raises:
        ValueError: a pattern names none of them, or nothing would be left to train.
    """
    if not isinstance(wanted, tuple):
        if wanted >= len(layers):
            raise ValueError(
                f"always_freeze is {wanted}, and {len(layers)} layers are watched: nothing would be left to train; "
                f"choose at most {len(layers) - 1}"
            )
        return frozenset(layer.name for layer in layers[:wanted])
    for pattern in wanted:
        if not any(matches(pattern, layer) for layer in layers):
            names = ", ".join(layer.name for layer in layers[:5])
            raise ValueError(f"always_freeze: {pattern!r} names no watched layer; the first are {names}")
    found = frozenset(layer.name for layer in layers if any(matches(pattern, layer) for pattern in wanted))
    if len(found) == len(layers):
        raise ValueError("always_freeze names every watched layer: leave one out, or there is nothing to train")
    return found


def with_always_frozen(layers: Sequence[WatchedLayer], names: frozenset[str]) -> tuple[WatchedLayer, ...]:
    """The layers, of which those with these names are marked.

    Raises:
        ValueError: one of them cannot be frozen.
    """
    for layer in layers:
        if layer.name in names and layer.held_open is not None:
            raise ValueError(f"always_freeze names {layer.name!r}, which cannot be frozen: {layer.held_open}")
    return tuple(layer.replaced(always_frozen=True) if layer.name in names else layer for layer in layers)
