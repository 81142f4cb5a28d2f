"""How like its former self each neuron's own parameters are: the criterion that does not look at outputs."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from neq.measure.similarity import divergence_from_sums, double
from neq.network.layers import WatchedLayer, own_parameters


@torch.no_grad()
def parameter_divergence(layers: Sequence[WatchedLayer], model: nn.Module, former: Mapping[str, Tensor]) -> Tensor:
    """1 − cosine of every neuron's weight row, bias entry included, with that of one epoch earlier.

    Args:
        layers: the watched ones.
        model: today's network.
        former: last epoch's parameters by name.

    Returns:
        float64 (neurons,) on the CPU, layers one after the other; 1 for a layer whose weight is computed from other
        parameters, for it has no rows.

    Source: the ablation of the released code, which takes the weight alone.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return torch.cat([_divergence(layer, names, former) for layer in layers])


def _divergence(layer: WatchedLayer, names: Mapping[int, str], former: Mapping[str, Tensor]) -> Tensor:
    if layer.held_open is not None and not _has_rows(layer):
        return torch.ones(layer.neurons, dtype=torch.float64)
    parameters = list(own_parameters(layer.module, layer.kind))
    now = double(torch.cat([layer.by_neuron(parameter) for parameter in parameters], dim=1))
    before = double(torch.cat([layer.by_neuron(former[names[id(parameter)]]) for parameter in parameters], dim=1))
    squares = [now.square(), before.square(), now * before, (now - before).square()]
    return divergence_from_sums(torch.stack([values.sum(1) for values in squares])).cpu()


def _has_rows(layer: WatchedLayer) -> bool:
    name = "weight" if layer.kind is None else next(iter(layer.kind.parameters))
    return isinstance(getattr(layer.module, name, None), nn.Parameter)
