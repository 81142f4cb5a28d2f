"""Last epoch's network: a copy of every parameter and buffer, which the model's own code can be run with."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


class Former:
    """The network as it was when it was last remembered: its parameters and buffers.

    Attributes:
        squares: float64 (neurons,) on the CPU: what all watched outputs of that network, squared, came to on the probe
            set; None where that was not measured. It spares adding them up once more beside today's.
    """

    def __init__(self, model: nn.Module) -> None:
        self.squares: Tensor | None = None
        self._state = {name: tensor.detach().clone() for name, tensor in _tensors(model)}

    @torch.no_grad()
    def remember(self, model: nn.Module, squares: Tensor) -> None:
        """Takes over the model's present state, and what its outputs came to."""
        self.squares = squares
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
        self.squares = None
        for name, tensor in state.items():
            self._state[name].copy_(tensor)


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()
