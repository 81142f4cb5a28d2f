"""Own against upstream: how much of a neuron's change came from its own weights, and how much from what it was fed.

A layer is run with today's weights on last epoch's inputs, and with last epoch's weights on today's inputs; each is
compared with what it really gave one epoch earlier. It shows why frozen neurons thaw: their own φ is 1.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.hooks import RemovableHandle

from trainer.neq.layers import WatchedLayer
from trainer.neq.probing import Forward, as_found, run_former, run_model
from trainer.neq.stash import Outputs
from trainer.neq.sums import NeuronSums

Again = Callable[[WatchedLayer, Tensor, Tensor], None]
"""Called with a layer, its output, and its output on the same inputs with the other epoch's weights."""


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

    def own(layer: WatchedLayer, was: Tensor, with_todays_weights: Tensor) -> None:
        causes.own.add(layer, with_todays_weights, was)
        before.keep(layer.name, was.clone())

    def upstream(layer: WatchedLayer, now: Tensor, with_former_weights: Tensor) -> None:
        causes.upstream.add(layer, with_former_weights, before.take(layer.name))

    others_today, others_before = _by_module(model, layers, today), _by_module(model, layers, former)
    with as_found(model):
        with _again(layers, others_today, own):
            run_former(model, former, portion, forward)
        with _again(layers, others_before, upstream):
            run_model(model, portion, forward)


def _by_module(
    model: nn.Module, layers: Sequence[WatchedLayer], state: Mapping[str, Tensor]
) -> dict[nn.Module, dict[str, Tensor]]:
    """For each watched module its parameters and buffers of `state`, by their names within the module."""
    names = {id(tensor): name for name, tensor in (*model.named_parameters(), *model.named_buffers())}
    return {
        module: {
            local: state[names[id(tensor)]] for local, tensor in (*module.named_parameters(), *module.named_buffers())
        }
        for layer in layers
        for module in layer.modules
    }


@contextmanager
def _again(
    layers: Sequence[WatchedLayer], others: Mapping[nn.Module, Mapping[str, Tensor]], seen: Again
) -> Iterator[None]:
    """Runs every watched layer a second time, with other weights, on the inputs that it was just given."""
    running: set[nn.Module] = set()

    def hook_for(layer: WatchedLayer) -> Callable[[nn.Module, Any, Any, Any], None]:
        def hook(module: nn.Module, inputs: Any, keywords: Any, output: Tensor) -> None:
            if module in running:
                return
            running.add(module)
            other = functional_call(module, dict(others[module]), inputs, keywords)
            running.remove(module)
            seen(layer, layer.outputs(output.detach()), layer.outputs(other.detach()))

        return hook

    handles: list[RemovableHandle] = []
    try:
        handles.extend(
            module.register_forward_hook(hook_for(layer), with_kwargs=True)
            for layer in layers
            for module in layer.modules
        )
        yield
    finally:
        for handle in handles:
            handle.remove()
