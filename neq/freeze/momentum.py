"""What an optimizer's state holds of a frozen neuron, and what is restored when the neuron thaws.

While a neuron is frozen its optimizer runs on: momentum decays, weight decay leaks into it. What the optimizer held at
the moment of freezing is kept aside, a row for a row, and decides how the neuron starts again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor, nn

from neq.freeze.holding import Holding
from neq.network.layers import WatchedLayer
from neq.network.optimizers import Optimizers, group_of
from neq.options import MomentumOnThaw

_FIRST_MOMENTS = ("momentum_buffer", "exp_avg", "grad_avg")
"""Running means of the gradient, in torch's own optimizers: what pushes a neuron on without a gradient."""

_DECAYS = {
    "exp_avg_sq": lambda group: group["betas"][1],
    "square_avg": lambda group: group["alpha"] if "alpha" in group else group["rho"],
}
"""Running means of the gradient's square, and what a step without a gradient multiplies them by."""

_AVERAGED_WITH = ("z", "x")
"""In schedule-free optimizers: the sequences that `optimizer.eval()` and `.train()` make the weights from."""


class OptimizerRows:
    """Keeps the optimizer's rows of frozen neurons, and gives them back when they thaw.

    Args:
        layers: the watched ones.
        optimizers: any of torch's; every state tensor that has a parameter's shape has its rows too.
        momentum_on_thaw: `keep`: as they were when the neuron froze. `cold`: means of the gradient start at zero, and
            means of its square have decayed as if the gradient had been zero, which is what the released code does.

    Raises:
        ValueError: momentum_on_thaw is neither.
    """

    def __init__(
        self, layers: Sequence[WatchedLayer], optimizers: Optimizers, momentum_on_thaw: MomentumOnThaw = "keep"
    ) -> None:
        if momentum_on_thaw not in get_args(MomentumOnThaw):
            raise ValueError(f"momentum_on_thaw is {momentum_on_thaw!r}; choose keep or cold")
        self._layers = {layer.name: layer for layer in layers}
        self._optimizers = optimizers
        self._cold = momentum_on_thaw == "cold"
        self._masks: dict[str, Tensor] = {}
        self._kept: dict[str, dict[str, Tensor]] = {}
        self._steps = 0

    def count_step(self) -> None:
        """The optimizer made a step."""
        self._steps += 1

    @property
    def nbytes(self) -> int:
        """The memory that they take."""
        return sum(rows.nbytes for places in self._kept.values() for rows in places.values())

    @property
    def nbytes_at_most(self) -> int:
        """What they take once neurons of every layer are frozen; what no step has made yet is not counted."""
        shared = {id(one): one for layer in self._layers.values() for one in layer.parameters()}
        return sum(state.nbytes for parameter in shared.values() for _, state in self._states(parameter))

    @torch.no_grad()
    def change(self, masks: Mapping[str, Tensor]) -> Callable[[], None]:
        """Makes ready to take the rows of neurons that freeze now and to restore those of neurons that thaw.

        All memory that it takes is taken here, beside what is kept already: where that runs out, nothing has changed.

        Args:
            masks: bool, one value a neuron, by layer name; a layer left out thaws whole.

        Returns:
            Does it. Should that end in an error, it may be made ready and done again.
        """
        kept: dict[str, dict[str, Tensor]] = {}
        given_back: list[_GivenBack] = []
        for name, layer in self._layers.items():
            none = torch.zeros(layer.neurons, dtype=torch.bool)
            before = self._masks.get(name, none)
            after = masks[name].cpu() if name in masks else none
            if bool((before | after).any()):
                now = self._exchanged(layer, before, after, given_back)
                if bool(after.any()):
                    kept[name] = now
        return partial(self._change, masks, kept, given_back)

    @torch.no_grad()
    def _change(
        self, masks: Mapping[str, Tensor], kept: dict[str, dict[str, Tensor]], given_back: "Sequence[_GivenBack]"
    ) -> None:
        for rows in given_back:
            rows.write()
        self._kept = kept
        self._masks = {name: mask.cpu().clone() for name, mask in masks.items() if bool(mask.any())}
        self._steps = 0

    def _exchanged(
        self, layer: WatchedLayer, before: Tensor, after: Tensor, given_back: "list[_GivenBack]"
    ) -> dict[str, Tensor]:
        """What is kept of a layer from now on; adds what is restored for its thawed neurons."""
        kept, now = self._kept.get(layer.name, {}), {}
        exchanges: dict[torch.device, _Exchange] = {}
        same = torch.equal(before, after)
        for number, parameter in enumerate(layer.parameters()):
            for key, state in self._states(parameter):
                place = f"{number}.{key}"
                rows = kept.get(place)
                if rows is not None and self._cold:
                    rows = self._aged(rows, key, parameter)
                if rows is None or not same:
                    if state.device not in exchanges:
                        exchanges[state.device] = _Exchange(layer, before, after, state.device)
                    rows = exchanges[state.device].made(state, rows, given_back)
                now[place] = rows
        return now

    def _aged(self, kept: Tensor, key: str, parameter: nn.Parameter) -> Tensor:
        """What so many steps without a gradient leave."""
        if key in _FIRST_MOMENTS:
            return torch.zeros_like(kept)
        if key in _DECAYS:
            return kept.mul(_DECAYS[key](self._group(parameter)) ** self._steps)
        return kept

    def _group(self, parameter: nn.Parameter) -> dict[str, Any]:
        groups = (group_of(optimizer, parameter) for optimizer in self._optimizers)
        return next(group for group in groups if group is not None)

    def _states(self, parameter: nn.Parameter) -> Iterator[tuple[str, Tensor]]:
        for optimizer in self._optimizers:
            for key, value in optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor) and value.shape == parameter.shape and value.dim() > 0:
                    yield str(key), value

    @torch.no_grad()
    def pin(self, holding: Holding) -> None:
        """Lets averaging leave frozen rows as they are: what they are averaged with is what they are. To be called
        after each step too, which may have moved that."""
        for optimizer in self._optimizers:
            for key in _AVERAGED_WITH if _averages(optimizer) else ():
                holding.write_into(partial(_state_of, optimizer, key))

    def state_dict(self) -> dict[str, Any]:
        """The rows kept and the steps since the masks last changed; copies."""
        kept = {name: {place: rows.clone() for place, rows in places.items()} for name, places in self._kept.items()}
        return {"kept": kept, "of": "frozen rows", "steps": self._steps}

    def load_state_dict(self, state: Mapping[str, Any], masks: Mapping[str, Tensor]) -> None:
        """Continues where `state_dict()` was taken, with the masks that were held then."""
        self._masks = {name: mask.cpu().clone() for name, mask in masks.items() if bool(mask.any())}
        self._kept = {name: dict(places) for name, places in state["kept"].items() if name in self._masks}
        for name, places in self._kept.items():
            layer = self._layers[name]
            device, frozen = next(layer.parameters()).device, self._masks[name].nonzero().flatten()
            for place, rows in places.items():
                # Earlier versions kept tensors of the parameters' own shapes.
                own = rows if state.get("of") == "frozen rows" else _rows(layer, rows, frozen.to(rows.device))
                places[place] = own.to(device, copy=True)
        self._steps = int(state["steps"])


def _state_of(optimizer: Any, key: str, parameter: nn.Parameter) -> Tensor | None:
    state: Tensor | None = optimizer.state.get(parameter, {}).get(key)
    return state


def _averages(optimizer: Any) -> bool:
    return callable(getattr(optimizer, "eval", None)) and callable(getattr(optimizer, "train", None))


def _rows(layer: WatchedLayer, tensor: Tensor, neurons: Tensor) -> Tensor:
    """Copies of these neurons' rows, one after the other; neurons: their numbers, int64 on the tensor's device."""
    return layer.rows(tensor)[layer.place(neurons, tensor)]


class _GivenBack(NamedTuple):
    """Rows that thawed neurons get back.

    Attributes:
        there: the optimizer's, by neuron.
        place: what to index it with.
    """

    there: Tensor
    place: tuple[Tensor, ...]
    rows: Tensor

    def write(self) -> None:
        self.there[self.place] = self.rows


class _Exchange:
    """Takes the rows of a layer's neurons that freeze, and what is restored for thawed ones; writes nothing.

    Args:
        before, after: who is frozen: bool, one value a neuron, on the CPU.
        device: where the states are.
    """

    def __init__(self, layer: WatchedLayer, before: Tensor, after: Tensor, device: torch.device) -> None:
        frozen, stays_frozen = before.nonzero().flatten(), after[before]
        self._layer, self._count = layer, frozen.numel()
        self._held = after.nonzero().flatten().to(device)
        self._thawed = frozen[~stays_frozen].to(device)
        # Where in the rows that were kept, and where in those that are kept from now on.
        self._thawed_then = (~stays_frozen).nonzero().flatten().to(device)
        self._stays_then, self._stays_now = (
            one.nonzero().flatten().to(device) for one in (stays_frozen, before[after])
        )

    def made(self, state: Tensor, kept: Tensor | None, given_back: list[_GivenBack]) -> Tensor:
        """Rows of the neurons that are frozen after.

        Args:
            state: the optimizer's, of the parameter's shape.
            kept: rows of the neurons that were frozen before; None: the state did not exist when they froze.
            given_back: gets what thawed neurons are to find there.
        """
        now = _rows(self._layer, state, self._held)
        if not self._count:
            return now
        if kept is None:
            kept = now.new_zeros(self._count, *now.shape[1:])
        if self._stays_now.numel():
            now[self._stays_now] = kept[self._stays_then]
        if self._thawed.numel():
            place = self._layer.place(self._thawed, state)
            given_back.append(_GivenBack(self._layer.rows(state), place, kept[self._thawed_then]))
        return now
