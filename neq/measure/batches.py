"""One pass over the probe set before anything is measured: every batch can be given to the model."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neq.checks import Checks
from neq.errors import NotFinite
from neq.measure.first_pass import first_pass
from neq.measure.probe_digest import ProbeDigests
from neq.measure.probing import preserve_state, probe_batches
from neq.network.layers import WatchedLayer
from neq.network.watching import Rerun, watching
from neq.options import Forward


def check_batches(
    checks: Checks,
    model: nn.Module,
    layers: Sequence[WatchedLayer],
    probe: Iterable[Any],
    forward: Forward | None,
    digests: ProbeDigests,
) -> None:
    """Gives the model all batches but the first, which it had already, and notes what they are.

    Raises:
        TypeError: a batch is of a kind that NEq cannot give to a model.
        ProbeFailed: the model's own code raised.
        NotFinite: a layer gave NaN or infinity.
    """
    digests.begin()
    for place, batch in enumerate(probe_batches(probe, model)):
        digests.add(batch)
        if place and (layer := _not_finite(model, layers, batch, forward, place)) and _is_finite(model):
            checks.wrong(
                NotFinite(
                    f"layer {layer!r} gives NaN or infinity on batch {place} of the probe set (counted from 0), though "
                    "the weights are finite",
                    "look for NaN or infinity in that batch, or for an overflow in the type that the model computes in",
                )
            )
    digests.end()


def _not_finite(
    model: nn.Module, layers: Sequence[WatchedLayer], batch: Any, forward: Forward | None, place: int
) -> str | None:
    """The first layer that gave something else than finite numbers."""
    found: list[str] = []

    def look(layer: WatchedLayer, output: Tensor, again: Rerun) -> None:
        if not bool(output.isfinite().all()):
            found.append(layer.name)

    with preserve_state(model), watching(layers, look):
        first_pass(model, batch, forward, place)
    return found[0] if found else None


def _is_finite(model: nn.Module) -> bool:
    return all(bool(torch.isfinite(one).all()) for one in (*model.parameters(), *model.buffers()))
