"""What an epoch's training cost and what its frozen neurons saved: facts that `EpochFinished` carries.

This module imports pydantic alone, as `events` does.
"""

from typing import Literal

from pydantic import Field

from trainer.fact import Fact

PlanKind = Literal["untouched", "undecided", "dense", "rows", "zeros", "stopped"]
"""As `trainer.neq` names what the backward pass does about a layer."""


PLANS_WHOLE_EVERY = 25
"""Epochs after which all plans are told anew: so many must be read at most to know those of one."""


class StepTimes(Fact):
    """Milliseconds of one batch of training, measured: means over the batches that were timed."""

    forward: float = Field(description="The network and the loss.")
    backward: float
    optimizer: float = Field(
        description="Clipping, moving the weights and putting frozen rows back; shared out over the batches of a step."
    )
    probe: float = Field(description="Measuring φ at the epoch's end, shared out over all its batches.")
    first: float = Field(description="The epoch's first batch as a whole: in it, what pays is measured layer by layer.")
    batches: int = Field(description="How many were timed. The first step's count only where there is no other.")


class StepFlops(Fact):
    """Floating-point operations of training on one image; a multiplication and an addition count as two.

    Convolutions and linear layers are counted. Norms, activations, losses and the optimizer are not, and neither are
    products of two activations, as in attention.
    """

    forward: int
    inputs: int = Field(description="Of the gradients by the layers' inputs, as they were computed.")
    weights: int = Field(description="Of the weight gradients, as they were computed.")
    dense_inputs: int = Field(description="The same with nothing frozen.")
    dense_weights: int
    least_inputs: int = Field(description="The least that the masks of the epoch allow.")
    least_weights: int
    paper: float = Field(
        description="The paper's count of the backward pass: 2 × multiply-adds × (1 − frozen share), without gradients "
        "by inputs, norms included."
    )
    ceiling: float = Field(
        description="How many times as fast as dense the step could be under these masks, if time went by operations: "
        "3 / (3 − f − p) where forward, inputs and weights take as many each; f and p are the shares of the weight and "
        "of the input gradients that are not needed."
    )


class PlanChanges(Fact):
    """What the backward pass did about layers in this epoch, where that differs from the epoch before; column-wise."""

    whole: bool = Field(description="All layers are told, whatever was told before.")
    layers: tuple[int, ...] = Field(
        description="Places in forward order; item i of the other columns is about layer i."
    )
    kinds: tuple[PlanKind, ...]
    computed: tuple[int, ...] = Field(description="Rows of the weight gradient that were computed.")
    reasons: tuple[int, ...] = Field(description="Places in `texts`.")
    dense_ms: tuple[float | None, ...] = Field(description="Measured for the whole weight gradient; None: it was not.")
    rows_ms: tuple[float | None, ...] = Field(description="Measured for the computed rows alone; None: it was not.")
    texts: tuple[str, ...] = Field(description="Why, for people.")
