"""Own against upstream: how much of a neuron's change came from its own weights, and how much from what it was fed.

A layer is run with today's weights on last epoch's inputs, and with last epoch's weights on today's inputs; each is
compared with what it really gave one epoch earlier. It shows why frozen neurons thaw: their own φ is 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from neq.device.tf32 import Products
from neq.measure.activation_cache import ActivationCache
from neq.measure.cosine_accumulator import CosineAccumulator
from neq.measure.previous_state import PreviousState
from neq.measure.probing import preserve_state, run_model, run_previous
from neq.network.layers import WatchedLayer
from neq.network.modes import has_modes_of_its_own
from neq.network.watching import Rerun, States, watching
from neq.options import Forward


@dataclass(frozen=True)
class Causes:
    """Sums of the neurons' outputs against last epoch's, when only one of the two causes had moved."""

    own: CosineAccumulator
    upstream: CosineAccumulator


def add_causes(
    causes: Causes,
    model: nn.Module,
    layers: Sequence[WatchedLayer],
    portion: Any,
    former: PreviousState,
    forward: Forward | None,
    products: Products = "float32",
) -> None:
    """Adds one portion of the probe set: two passes of the network, in which every watched layer runs twice.

    Args:
        products: in what float32 tensors are multiplied.
    """
    before = ActivationCache()

    def own(layer: WatchedLayer, was: Tensor, again: Rerun) -> None:
        causes.own.add(layer, again(others_today), was)
        before.keep(layer.name, was.clone())

    def upstream(layer: WatchedLayer, now: Tensor, again: Rerun) -> None:
        causes.upstream.add(layer, again(others_before), before.take(layer.name))

    with preserve_state(model, products):
        others_today = _by_module(model, layers)
        with former.standing_in(model):
            others_before = _by_module(model, layers)
        with watching(layers, own):
            run_previous(model, former, portion, forward)
        with watching(layers, upstream):
            run_model(model, portion, forward)


def _by_module(model: nn.Module, layers: Sequence[WatchedLayer]) -> States:
    """For each watched module its present parameters and buffers, by their names within the module.

    A model with an eval mode of its own changes them in place when it leaves it, so that they are copied.
    """
    copied = has_modes_of_its_own(model)
    return {
        module: {
            name: tensor.detach().clone() if copied else tensor.detach()
            for name, tensor in (*module.named_parameters(), *module.named_buffers())
        }
        for layer in layers
        for module in layer.modules
    }
