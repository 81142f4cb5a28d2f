"""Whether a parameter that fits a layer's neurons by its size really has an entry for each of them.

A subclass may have a parameter beside weight and bias with as many entries as the layer has neurons: a gain of each
output, or a scale of each input that happens to be as many. Only trying tells the two apart.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from neq.network.gradient_stop import trained
from neq.network.layers import WatchedLayer
from neq.network.watching import Rerun, watching

ROUNDING = 1e-5
"""Outputs that differ by less than this fraction of the largest are the same, rounded in another way."""


def in_doubt(layer: WatchedLayer) -> bool:
    """Whether it owns a parameter by its size alone, which is trained."""
    return any(trained(parameter) for module in layer.modules for _, parameter in layer.further_parameters(module))


def not_by_one_neuron(layers: Sequence[WatchedLayer], forward: Callable[[], object]) -> dict[str, str]:
    """Parameters of which an entry was not seen to act on its neuron's output alone, by layer name.

    Half of the entries are changed, then the other half: outputs of the other neurons must stay.

    Args:
        layers: those that are `in_doubt`.
        forward: runs the model on a batch.
    """
    seen: dict[tuple[str, str], bool] = {}

    def look(layer: WatchedLayer, output: Tensor, again: Rerun) -> None:
        for module in layer.modules:
            for name, parameter in layer.further_parameters(module):
                if trained(parameter):
                    key = layer.name, name
                    acts = _acts_on_its_neuron_alone(layer, module, name, output.clone(), again)
                    seen[key] = seen.get(key, True) and acts

    with watching(layers, look):
        forward()
    return {layer: name for (layer, name), alone in reversed(seen.items()) if not alone}


def _acts_on_its_neuron_alone(layer: WatchedLayer, module: nn.Module, name: str, output: Tensor, again: Rerun) -> bool:
    first = torch.arange(layer.neurons, device=output.device) < layer.neurons // 2
    return all(_moves_only(layer, module, name, output, again, half) for half in (first, ~first) if bool(half.any()))


def _moves_only(layer: WatchedLayer, module: nn.Module, name: str, output: Tensor, again: Rerun, half: Tensor) -> bool:
    """Whether changing the entries of these neurons changes outputs of theirs, and of no others."""
    states = {one: {key: tensor.detach() for key, tensor in one.named_parameters()} for one in layer.modules}
    changed = states[module][name].clone(memory_format=torch.contiguous_format)
    entries = changed.view(-1)
    entries[half] = 1.5 * entries[half] + 0.25
    states[module][name] = changed
    apart = (again(states) - output).abs().movedim(layer.axis, 0).reshape(layer.neurons, -1).amax(1)
    others = bool((apart[~half] <= ROUNDING * output.abs().max()).all())
    return others and bool((apart[half] > 0).any())
