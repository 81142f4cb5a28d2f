"""Which neurons are not updated in the next epoch: the rule itself, and the controls that it is compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor

from neq.decide.velocity import VelocityState
from neq.device.blocks import neurons_together
from neq.options import SelectName


@dataclass(frozen=True)
class SelectionInput:
    """What a selection may look at, over all neurons, layers one after the other.

    Attributes:
        outputs: how the neurons' outputs moved.
        parameters: how their weight rows did; None unless the selection asked for it.
        sizes: neurons of each layer.
        held_open: bool, neurons that will not freeze whatever is chosen; None: there are none.
        blocks: how many neurons of each layer its device computes together; None: as many as a CPU does.
        always_frozen: bool, neurons that are frozen whatever is chosen; None: there are none.
    """

    outputs: VelocityState
    parameters: VelocityState | None
    sizes: Sequence[int]
    held_open: Tensor | None = None
    blocks: Sequence[int] | None = None
    always_frozen: Tensor | None = None


Selection = Callable[[SelectionInput], Tensor]
"""Takes a `SelectionInput`, gives bool, one value a neuron: true is frozen for the next epoch."""


def at_equilibrium(selection_input: SelectionInput) -> Tensor:
    """The rule: who is at equilibrium now, decided anew at every epoch's end, so that a neuron can thaw.

    Source: arXiv:2207.09455.
    """
    return selection_input.outputs.at_equilibrium


def never(selection_input: SelectionInput) -> Tensor:
    """Nothing is frozen: plain training, watched."""
    return torch.zeros_like(selection_input.outputs.at_equilibrium)


def parameters_at_equilibrium(selection_input: SelectionInput) -> Tensor:
    """The same rule on the neurons' parameters instead of their outputs: the cosine of a row with its former self.

    Source: the ablation of the released code.
    """
    if selection_input.parameters is None:
        raise RuntimeError("the velocity of the parameters was not measured")
    return selection_input.parameters.at_equilibrium


class Random:
    """As many neurons as are at equilibrium, drawn at random in each layer: the control that shows what the rule adds.

    Args:
        fraction: of every layer's neurons, in 0–1; None: as many in each layer as the rule finds at equilibrium now.
        seed: of the drawing.
    """

    def __init__(self, fraction: float | None, seed: int) -> None:
        self._fraction = fraction
        self._random = torch.Generator().manual_seed(seed)

    def __call__(self, selection_input: SelectionInput) -> Tensor:
        """Draws."""
        chosen = []
        for at_equilibrium in selection_input.outputs.at_equilibrium.split(list(selection_input.sizes)):
            count = (
                int(at_equilibrium.sum()) if self._fraction is None else round(self._fraction * at_equilibrium.numel())
            )
            order = torch.randperm(at_equilibrium.numel(), generator=self._random)
            chosen.append(order < count)
        return torch.cat(chosen)

    def state_dict(self) -> dict[str, Any]:
        """The drawing's state."""
        return {"random": self._random.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues where `state_dict()` was taken."""
        self._random.set_state(state["random"].cpu())


class TopK:
    """The same fraction of every layer, those with the smallest |v|; in an epoch without v none.

    Args:
        fraction: of every layer's neurons, in 0–1.
    """

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction

    def __call__(self, selection_input: SelectionInput) -> Tensor:
        """Chooses."""
        velocity = selection_input.outputs.velocity
        if velocity is None:
            return never(selection_input)
        speeds = velocity.abs().nan_to_num(nan=torch.inf).split(list(selection_input.sizes))
        return torch.cat(
            [speed.argsort(stable=True).argsort() < round(self._fraction * speed.numel()) for speed in speeds]
        )


class Prefix:
    """The rule, and from the input on whole layers as soon as a fraction of their neurons is at equilibrium.

    A layer that stands still whole, with all before it, needs no gradient of its input either. The first layer that
    does not reach the fraction ends the prefix, and so does one that may not freeze; after it the rule decides alone.

    Args:
        fraction: of a layer's neurons at equilibrium, above 0 and up to 1, from which on all its neurons are frozen.
    """

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction

    def __call__(self, selection_input: SelectionInput) -> Tensor:
        """Chooses."""
        chosen = selection_input.outputs.at_equilibrium.clone()
        if selection_input.always_frozen is not None:  # the prefix goes on behind them
            chosen |= selection_input.always_frozen
        held_open = torch.zeros_like(chosen) if selection_input.held_open is None else selection_input.held_open
        sizes = list(selection_input.sizes)
        for layer, stays_open in zip(chosen.split(sizes), held_open.split(sizes), strict=True):
            if bool(stays_open.any()) or int(layer.sum()) < self._fraction * layer.numel():
                break
            layer[:] = True
        return chosen


def in_whole_blocks(selection_input: SelectionInput) -> Tensor:
    """The rule, rounded so that in each layer whole blocks of neurons move: the device computes no less anyway.

    A block is what a layer's device computes together: 16 neurons on a CPU, 64 on a GPU. The number that moves becomes
    the nearest multiple of it, upwards in the middle. Where fewer must move, those with the smallest |v| freeze beyond
    the rule; where more may, those with the largest |v| go on. A layer stops whole only where at least half of it is at
    equilibrium: one smaller than half a block would otherwise never move.
    """
    velocity = selection_input.outputs.velocity
    if velocity is None:
        return never(selection_input)
    sizes = list(selection_input.sizes)
    speeds = velocity.abs().nan_to_num(nan=torch.inf).split(sizes)
    blocks = selection_input.blocks or [neurons_together(torch.device("cpu"))] * len(sizes)
    layers = zip(speeds, selection_input.outputs.at_equilibrium.split(sizes), blocks, strict=True)
    return torch.cat([_rounded(speed, at_equilibrium, block) for speed, at_equilibrium, block in layers])


def _rounded(speed: Tensor, at_equilibrium: Tensor, block: int) -> Tensor:
    moving = at_equilibrium.numel() - int(at_equilibrium.sum())
    blocks = (moving + block // 2) // block
    if blocks == 0 and 2 * moving > at_equilibrium.numel():
        blocks = 1
    moving = min(blocks * block, at_equilibrium.numel())
    by_speed = speed.argsort(stable=True)
    at_equilibrium_first = by_speed[(~at_equilibrium[by_speed]).int().argsort(stable=True)]
    frozen = torch.zeros_like(at_equilibrium)
    frozen[at_equilibrium_first[: at_equilibrium.numel() - moving]] = True
    return frozen


def selection(name: SelectName, *, fraction: float | None, seed: int) -> Selection:
    """The selection of that name.

    Raises:
        ValueError: there is none, or the fraction is missing, out of range or not used by it.
    """
    if name not in get_args(SelectName):
        raise ValueError(f"select is {name!r}; choose one of {', '.join(get_args(SelectName))}")
    if fraction is not None and name not in ("random", "topk", "prefix"):
        raise ValueError(f"fraction is {fraction}; only the selections random, topk and prefix take one")
    if fraction is not None and not 0 <= fraction <= 1:
        raise ValueError(f"fraction is {fraction}; it must lie between 0 and 1")
    if name == "random":
        return Random(fraction, seed)
    if name == "topk":
        if fraction is None:
            raise ValueError("the selection topk needs a fraction, such as fraction=0.5")
        return TopK(fraction)
    if name == "prefix":
        if not fraction:
            raise ValueError(f"fraction is {fraction}; the selection prefix needs one above 0, such as fraction=0.8")
        return Prefix(fraction)
    rules: dict[str, Selection] = {"equilibrium": at_equilibrium, "none": never, "blocks": in_whole_blocks}
    rules["replay"] = never  # whom the masks name does not follow from what is measured
    return rules.get(name, parameters_at_equilibrium)
