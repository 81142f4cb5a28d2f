"""Floating-point operations of one training step, layer by layer: what is done, what was left out, what it could save.

A multiplication and an addition count as two. Convolutions and linear layers are counted; norms, activations, biases
and the optimizer are not, as in torch's FlopCounterMode. Of other kinds of layers each weight counts once for every
place of the output, as a matrix that the inputs are multiplied by.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from neq.freeze.plan import LayerPlan
from neq.network.attention import given, is_within_attention
from neq.network.kinds import PACKED_ATTENTION
from neq.network.layers import NORMS, WatchedLayer
from neq.network.watching import FunctionCalls

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@dataclass(frozen=True)
class LayerFlops:
    """One layer's part of a step.

    Attributes:
        forward: of its output; its input's and its whole weight's gradient would take as many each.
        inputs: of the gradient of its input; 0 where nothing before it needs one.
        weights: of the weight gradient's rows that are computed.
    """

    forward: int
    inputs: int
    weights: int

    @property
    def total(self) -> int:
        """All three."""
        return self.forward + self.inputs + self.weights


@dataclass(frozen=True)
class StepFlops:
    """A step's, over all layers, by layer name.

    Attributes:
        layers: what is computed under the present plans.
        dense: what would be with nothing frozen.
        paper: the paper's count of a backward pass: 2 × multiply-adds × (1 − frozen fraction), summed over the layers.
            It counts no input gradient, and norms as two multiply-adds a value.
    """

    layers: Mapping[str, LayerFlops]
    dense: Mapping[str, LayerFlops]
    paper: float

    @property
    def total(self) -> int:
        """Of the step as it is."""
        return sum(layer.total for layer in self.layers.values())

    @property
    def ceiling(self) -> float:
        """How many times faster than the dense step this one could be, were time counted in operations.

        With f the fraction of weight gradients left out and p that of input gradients, and a network whose layers all
        need both, this is 3 / (3 − f − p).
        """
        return sum(layer.total for layer in self.dense.values()) / self.total


class Multiplied:
    """Sees one forward pass: how many multiply-adds each layer makes, and whether its input needs a gradient.

        with Multiplied(neq.layers) as seen:
            model(batch)
        flops = seen.step_flops(neq.plans())

    Run it as training does, gradients being recorded; only then does it see where they are needed.
    """

    def __init__(self, layers: Sequence[WatchedLayer]) -> None:
        self._layers = layers
        self._norms: dict[str, int] = {}
        self._forward: dict[str, int] = {}
        self._reaching: dict[str, int] = {}
        self._watching = ExitStack()

    def __enter__(self) -> "Multiplied":
        for layer in self._layers:
            for module, hook in self._hooks(layer):
                self._watching.callback(module.register_forward_hook(hook, with_kwargs=True).remove)
        # By its memory: where rows are saved, the function gets the weight without its graph, which is another object.
        unseen = {
            next(layer.parameters()).data_ptr(): layer
            for layer in self._layers
            if layer.by_function and not is_within_attention(layer)
        }
        if unseen:
            calls = FunctionCalls(
                lambda weight: unseen.get(weight.data_ptr()),
                lambda layer, func, args, keywords, output: self._note(layer, args[0], output),
            )
            self._watching.enter_context(calls)
        return self

    def __exit__(self, *error: object) -> None:
        self._watching.close()

    def _hooks(self, layer: WatchedLayer) -> Iterator[tuple[nn.Module, Any]]:
        if is_within_attention(layer) and layer.caller is not None:
            yield layer.caller, self._attention_hook(layer)
        elif layer.kind is PACKED_ATTENTION:
            yield from ((module, self._projections_hook(layer)) for module in layer.modules)
        else:
            yield from ((module, self._hook(layer)) for module in layer.modules)

    def _projections_hook(self, layer: WatchedLayer) -> Any:
        def hook(attention: Any, inputs: Any, keywords: Any, output: Any) -> None:
            fed = given(inputs, keywords)
            made = sum(one.numel() for one in fed) * attention.embed_dim
            self._add(layer, made, reaching=any(one.requires_grad for one in fed))

        return hook

    def _attention_hook(self, layer: WatchedLayer) -> Any:
        def hook(attention: Any, inputs: Any, keywords: Any, output: Any) -> None:
            self._add(layer, output[0].numel() * attention.embed_dim, reaching=True)

        return hook

    def _hook(self, layer: WatchedLayer) -> Any:
        def hook(module: nn.Module, inputs: tuple[Any, ...], keywords: Any, output: Any) -> None:
            if layer.kind is not None:
                self._note_other(layer, (*inputs, *keywords.values()), output)
            elif isinstance(module, NORMS):
                self._norms[layer.name] = self._norms.get(layer.name, 0) + 2 * output.numel()
            else:
                self._note(layer, inputs[0], output)

        return hook

    def _note(self, layer: WatchedLayer, inputs: Tensor, output: Tensor) -> None:
        made = multiply_adds(layer.module, inputs.shape, output.shape)
        self._add(layer, made, reaching=inputs.requires_grad)

    def _note_other(self, layer: WatchedLayer, inputs: Sequence[Any], output: Tensor) -> None:
        weights = sum(parameter.numel() for parameter in layer.parameters() if parameter.dim() > 1)
        made = output.numel() // layer.neurons * weights
        if made:
            self._add(layer, made, reaching=any(isinstance(one, Tensor) and one.requires_grad for one in inputs))

    def _add(self, layer: WatchedLayer, made: int, *, reaching: bool) -> None:
        self._forward[layer.name] = self._forward.get(layer.name, 0) + made
        self._reaching[layer.name] = self._reaching.get(layer.name, 0) + (made if reaching else 0)

    def step_flops(self, plans: Mapping[str, LayerPlan], dense: "Multiplied | None" = None) -> StepFlops:
        """Counts a step under these plans.

        Args:
            dense: what a pass with nothing frozen showed; None: every layer but the first needs its input's gradient.
        """
        layers, whole = {}, {}
        for place, (name, made) in enumerate(self._forward.items()):
            plan = plans[name]
            reaching = (made if place else 0) if dense is None else dense._reaching[name]
            layers[name] = LayerFlops(2 * made, 2 * self._reaching[name], 2 * made * plan.computed // plan.neurons)
            whole[name] = LayerFlops(2 * made, 2 * reaching, 2 * made)
        multiplied = {**self._forward, **self._norms}
        paper = sum(2 * made * plans[name].active / plans[name].neurons for name, made in multiplied.items())
        return StepFlops(layers, whole, paper)


def multiply_adds(module: Any, inputs: torch.Size, output: torch.Size) -> int:
    """How many multiplications, with an addition each, a convolution or linear layer makes for these shapes.

    Places outside of the input that a padding fills count like others.
    """
    if isinstance(module, nn.Linear):
        made = prod(output) * module.in_features
    elif isinstance(module, _TRANSPOSED):
        made = prod(inputs) * (module.out_channels // module.groups) * prod(module.kernel_size)
    else:
        made = prod(output) * (module.in_channels // module.groups) * prod(module.kernel_size)
    return int(made)
