"""Own against upstream: how much of a neuron's change came from its own weights, and how much from what it was fed.

A layer is run with today's weights on last epoch's inputs, and with last epoch's weights on today's inputs; each is
compared with what it really gave one epoch earlier. It shows why frozen neurons thaw: their own φ is 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from trainer.neq.layers import WatchedLayer
from trainer.neq.probing import Forward, as_found, run_former, run_model
from trainer.neq.stash import Outputs
from trainer.neq.sums import NeuronSums
from trainer.neq.watching import Rerun, States, watching


@dataclass(frozen=True)
class Causes:
    """Sums of the neurons' outputs against last epoch's, when only one of the two causes had moved."""

    own: NeuronSums
    upstream: NeuronSums


def add_causes(
    causes: Causes,
    model: nn.Module,
    layers: Sequence[WatchedLayer],
    portion: Any,
    former: Mapping[str, Tensor],
    forward: Forward | None,
) -> None:
    """Adds one portion of the probe set: two passes of the network, in which every watched layer runs twice.

    Args:
        former: last epoch's parameters and buffers by name.
    """
    before = Outputs()
    today = {name: tensor.detach() for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    others_today, others_before = _by_module(model, layers, today), _by_module(model, layers, former)

    def own(layer: WatchedLayer, was: Tensor, again: Rerun) -> None:
        causes.own.add(layer, again(others_today), was)
        before.keep(layer.name, was.clone())

    def upstream(layer: WatchedLayer, now: Tensor, again: Rerun) -> None:
        causes.upstream.add(layer, again(others_before), before.take(layer.name))

    with as_found(model):
        with watching(layers, own):
            run_former(model, former, portion, forward)
        with watching(layers, upstream):
            run_model(model, portion, forward)


def _by_module(model: nn.Module, layers: Sequence[WatchedLayer], state: Mapping[str, Tensor]) -> States:
    """For each watched module its parameters and buffers of `state`, by their names within the module."""
    names = {id(tensor): name for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    return {
        module: {
            local: state[names[id(tensor)]] for local, tensor in (*module.named_parameters(), *module.named_buffers())
        }
        for layer in layers
        for module in layer.modules
    }
