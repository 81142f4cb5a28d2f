"""Which neurons are not updated in the next epoch: the rule itself, and the controls that it is compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from trainer.neq.velocity import Motion

SelectName = Literal["equilibrium", "none", "random", "topk", "parameter-norm"]


@dataclass(frozen=True)
class Evidence:
    """What a selection may look at, over all neurons, layers one after the other.

    Attributes:
        outputs: how the neurons' outputs moved.
        parameters: how their weight rows did; None unless the selection asked for it.
        sizes: neurons of each layer.
    """

    outputs: Motion
    parameters: Motion | None
    sizes: Sequence[int]


Selection = Callable[[Evidence], Tensor]
"""Takes the evidence, gives bool, one value a neuron: true is frozen for the next epoch."""


def at_equilibrium(evidence: Evidence) -> Tensor:
    """The rule: who is at equilibrium now, decided anew at every epoch's end, so that a neuron can thaw.

    Source: arXiv:2207.09455.
    """
    return evidence.outputs.settled


def never(evidence: Evidence) -> Tensor:
    """Nothing is frozen: plain training, watched."""
    return torch.zeros_like(evidence.outputs.settled)


def parameters_at_equilibrium(evidence: Evidence) -> Tensor:
    """The same rule on the neurons' parameters instead of their outputs: the cosine of a row with its former self.

    Source: the ablation of the released code.
    """
    if evidence.parameters is None:
        raise RuntimeError("the motion of the parameters was not measured")
    return evidence.parameters.settled


class Random:
    """As many neurons as would settle, drawn uniformly within each layer: the control that shows what the rule adds.

    Args:
        share: of every layer's neurons, in 0–1; None: as many in each layer as the rule finds at equilibrium now.
        seed: of the drawing.
    """

    def __init__(self, share: float | None, seed: int) -> None:
        self._share = share
        self._random = torch.Generator().manual_seed(seed)

    def __call__(self, evidence: Evidence) -> Tensor:
        """Draws."""
        chosen = []
        for settled in evidence.outputs.settled.split(list(evidence.sizes)):
            count = int(settled.sum()) if self._share is None else round(self._share * settled.numel())
            order = torch.randperm(settled.numel(), generator=self._random)
            chosen.append(order < count)
        return torch.cat(chosen)

    def state_dict(self) -> dict[str, Any]:
        """The drawing's state."""
        return {"random": self._random.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues where `state_dict()` was taken."""
        self._random.set_state(state["random"].cpu())


class TopK:
    """The same share of every layer, those with the smallest |v|; in an epoch without v none.

    Args:
        share: of every layer's neurons, in 0–1.
    """

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, evidence: Evidence) -> Tensor:
        """Chooses."""
        velocity = evidence.outputs.velocity
        if velocity is None:
            return never(evidence)
        speeds = velocity.abs().nan_to_num(nan=torch.inf).split(list(evidence.sizes))
        return torch.cat(
            [speed.argsort(stable=True).argsort() < round(self._share * speed.numel()) for speed in speeds]
        )


def selection(name: SelectName, *, share: float | None, seed: int) -> Selection:
    """The selection of that name.

    Raises:
        ValueError: there is none, or the share is missing, out of range or not used by it.
    """
    if name not in get_args(SelectName):
        raise ValueError(f"select is {name!r}; choose one of {', '.join(get_args(SelectName))}")
    if share is not None and name not in ("random", "topk"):
        raise ValueError(f"share is {share}; only the selections random and topk take one")
    if share is not None and not 0 <= share <= 1:
        raise ValueError(f"share is {share}; it must lie between 0 and 1")
    if name == "random":
        return Random(share, seed)
    if name == "topk":
        if share is None:
            raise ValueError("the selection topk needs a share, such as share=0.5")
        return TopK(share)
    rules: dict[str, Selection] = {"equilibrium": at_equilibrium, "none": never}
    return rules.get(name, parameters_at_equilibrium)
