"""Measures φ by running last epoch's network beside today's, probe batch by probe batch.

Memory: one copy of the model's parameters and buffers, and the watched outputs of one probe batch. The model's
train/eval mode, its buffers and the random state are as before after each batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from trainer.neq.layers import WatchedLayer, watching
from trainer.neq.similarity import neuron_sums

Forward = Callable[[nn.Module, Any], object]


class Former:
    """The network as it was when it was last remembered: its parameters and buffers."""

    def __init__(self, model: nn.Module) -> None:
        self._state = {name: tensor.detach().clone() for name, tensor in _tensors(model)}

    @torch.no_grad()
    def remember(self, model: nn.Module) -> None:
        """Takes over the model's present state."""
        for name, tensor in _tensors(model):
            self._state[name].copy_(tensor)

    @property
    def state(self) -> Mapping[str, Tensor]:
        """Parameters and buffers by name; the tensors themselves, not copies."""
        return self._state

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Takes over what `state` gave earlier.

        Raises:
            ValueError: it belongs to another model.
        """
        if state.keys() != self._state.keys():
            raise ValueError("this state belongs to another model: its parameters have other names")
        for name, tensor in state.items():
            self._state[name].copy_(tensor)


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


class NeuronSums:
    """The three sums of every neuron of every watched layer, added up over the probe set."""

    def __init__(self, layers: Sequence[WatchedLayer], model: nn.Module, forward: Forward | None = None) -> None:
        self._layers = layers
        self._model = model
        self._forward = forward
        self._device = next(model.parameters()).device
        self._sums = {
            layer.name: torch.zeros(3, layer.neurons, dtype=torch.float64, device=self._device) for layer in layers
        }

    def add(self, batch: Any, former: Former) -> None:
        """Runs both networks on one probe batch and adds what they gave.

        Raises:
            ValueError: a layer was called once more or less often than by last epoch's network, or not at all.
        """
        stash: dict[str, list[Tensor]] = {layer.name: [] for layer in self._layers}

        def keep(layer: WatchedLayer, output: Tensor) -> None:
            stash[layer.name].append(output.clone())

        def compare(layer: WatchedLayer, output: Tensor) -> None:
            if not stash[layer.name]:
                raise ValueError(f"layer {layer.name!r} is called more often than one epoch earlier")
            before = stash[layer.name].pop(0)
            self._sums[layer.name] += neuron_sums(output, before, layer.axis).to(self._device)

        with as_found(self._model):
            with watching(self._layers, keep):
                self._run(batch, former.state)
            self._check_called(stash)
            with watching(self._layers, compare):
                self._run(batch, None)
        if any(stash.values()):
            raise ValueError("a layer is called less often than one epoch earlier: outputs cannot be paired")

    def total(self) -> Tensor:
        """float64 (3, all neurons) on the CPU, layers one after the other."""
        return torch.cat([self._sums[layer.name] for layer in self._layers], dim=1).cpu()

    def _run(self, batch: Any, state: Mapping[str, Tensor] | None) -> None:
        call = _Call(self._model, self._forward)
        if state is None:
            call(batch)
        else:
            named = {f"model.{name}": tensor for name, tensor in state.items()}
            functional_call(call, named, (batch,))

    def _check_called(self, stash: Mapping[str, list[Tensor]]) -> None:
        silent = [name for name, outputs in stash.items() if not outputs]
        if silent:
            raise ValueError(f"layer {silent[0]!r} was not called on a probe batch: φ of nothing is undefined")


class _Call(nn.Module):
    """The model behind the caller's own way of calling it, as one module that `functional_call` can run."""

    def __init__(self, model: nn.Module, forward: Forward | None) -> None:
        super().__init__()
        self.model = model
        self._forward_with = forward

    def forward(self, batch: Any) -> object:
        return run_model(self.model, batch, self._forward_with)


def run_model(model: nn.Module, batch: Any, forward: Forward | None = None) -> object:
    """Calls the model on a probe batch, on the model's device.

    Args:
        batch: a tensor, an (inputs, targets) pair of which the inputs are taken, or a mapping, given as keywords
            without its `labels`.
        forward: called as forward(model, batch) instead, for anything else.

    Raises:
        TypeError: the batch is of another kind and no `forward` was given.
    """
    if forward is not None:
        return forward(model, batch)
    device = next(model.parameters()).device
    if isinstance(batch, Mapping):
        return model(**{key: value.to(device) for key, value in batch.items() if key != "labels"})
    inputs = batch[0] if isinstance(batch, tuple | list) and batch else batch
    if not isinstance(inputs, Tensor):
        raise TypeError(f"a probe batch is a {type(batch).__name__}; give NEq a forward(model, batch) for it")
    return model(inputs.to(device))


@contextmanager
def as_found(model: nn.Module) -> Iterator[None]:
    """The model in eval mode without gradients; afterwards its modes, buffers and the random state are as before."""
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    devices = {parameter.device for parameter in model.parameters() if parameter.device.type == "cuda"}
    try:
        with torch.random.fork_rng(devices=list(devices)), torch.no_grad():
            model.eval()
            yield
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for buffer, value in buffers:
                if not torch.equal(buffer, value):
                    buffer.copy_(value)
