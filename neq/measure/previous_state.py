"""Last epoch's network: a copy of every parameter, buffer and plain attribute, which the model's own code can be run
with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from neq.network.attributes import Attributes, attributes_of, attributes_set
from neq.network.modes import has_modes_of_its_own
from neq.network.substitution import substituted


class PreviousState:
    """The network as it was when it was last remembered.

    Buffers that come, go or change their shape later are taken as they are.

    Attributes:
        squares: float64 (neurons,) on the CPU: what all watched outputs of that network, squared, came to on the probe
            set; None where that was not measured. It spares adding them up once more beside today's.
    """

    def __init__(self, model: nn.Module) -> None:
        self.squares: Tensor | None = None
        self._state: dict[str, Tensor] = {}
        self._attributes: Attributes = {}
        self._take(model)

    def remember(self, model: nn.Module, squares: Tensor) -> None:
        """Takes over the model's present state, and what its outputs came to."""
        self.squares = squares
        self._take(model)

    @torch.no_grad()
    def _take(self, model: nn.Module) -> None:
        before, self._state = self._state, {}
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            kept = before.get(name)
            if kept is not None and kept.shape == tensor.shape and kept.dtype == tensor.dtype:
                self._state[name] = kept.copy_(tensor)
            else:
                self._state[name] = tensor.detach().clone()
        self._attributes = attributes_of(model)

    @torch.no_grad()
    def take_in(self, model: nn.Module) -> bool:
        """Takes parameters that the model did not have then as they are now; whether there are any."""
        new = {name: one.detach().clone() for name, one in model.named_parameters() if name not in self._state}
        if new:
            self.squares = None
            self._state.update({name: one.detach().clone() for name, one in model.named_buffers()} | self._state | new)
        return bool(new)

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return sum(tensor.nbytes for tensor in self._state.values())

    @property
    def state(self) -> Mapping[str, Tensor]:
        """Parameters and buffers by name; the tensors themselves, not copies."""
        return self._state

    @contextmanager
    def standing_in(self, model: nn.Module) -> Iterator[None]:
        """The model, which is in eval mode, as it was then, while the context lasts.

        Where its modules have an eval mode of their own, today's network leaves it first and the former one enters it:
        neither meets what the other prepared.
        """
        if not has_modes_of_its_own(model):
            with substituted(model, self._state), attributes_set(model, self._attributes):
                yield
            return
        model.train()
        copies = {name: tensor.clone() for name, tensor in self._state.items()}
        with substituted(model, copies), attributes_set(model, self._attributes):
            model.eval()
            yield
            model.train()
        model.eval()

    @property
    def attributes(self) -> Attributes:
        """Plain attributes by module name."""
        return self._attributes

    @torch.no_grad()
    def load(self, model: nn.Module, state: Mapping[str, Tensor], attributes: Attributes) -> None:
        """Takes over what `state` and `attributes` gave earlier.

        Raises:
            ValueError: they belong to another model.
        """
        own = dict(model.named_parameters())
        if any(name not in state or state[name].shape != one.shape for name, one in own.items()):
            raise ValueError("this state belongs to another model: its parameters have other names or shapes")
        self.squares = None
        device = next(iter(own.values())).device
        self._state = {name: tensor.detach().to(device, copy=True) for name, tensor in state.items()}
        self._attributes = {name: dict(found) for name, found in attributes.items()}
