"""What an epoch's training cost and what its frozen neurons saved: facts that `EpochFinished` carries.

This module imports pydantic alone, as `events` does.
"""

from typing import Literal

from pydantic import Field

from contract.base import FrozenModel

PlanKind = Literal["untouched", "undecided", "dense", "rows", "zeros", "stopped"]
"""As `neq` names what the backward pass does about a layer."""


PLANS_WHOLE_EVERY = 25
"""Epochs after which all plans are told anew: so many must be read at most to know those of one."""


Clock = Literal["thread", "process", "device", "wall"]
"""What milliseconds are of: the training thread's CPU time; the process's, where several threads compute; a GPU's
own events; wall-clock time, which older programs read, and which other programs on the machine lengthen."""


class Range(FrozenModel):
    """A measurement with its spread over batches: the 10th, 50th and 90th percentile."""

    low: float
    median: float
    high: float


class DenseStep(FrozenModel):
    """What a batch takes whose backward pass computes everything, in milliseconds, at the time of the epoch."""

    source: Literal["interleaved", "scaled"] = Field(
        description="interleaved: dense steps of the epoch itself. scaled: dense steps of these epochs, as multiples "
        "of their forward pass, times the epoch's forward pass, which freezing does not change."
    )
    batches: int = Field(description="How many dense batches were timed.")
    first_epoch: int = Field(description="The earliest that they are of.")
    last_epoch: int
    backward: Range
    step: Range


class StepRanges(FrozenModel):
    """The spread of an epoch's batches, in milliseconds."""

    forward: Range
    backward: Range
    optimizer: Range
    step: Range = Field(description="The three together, batch by batch.")


class StepTimes(FrozenModel):
    """Milliseconds of one batch of training, measured: medians over the batches that were timed."""

    forward: float = Field(
        description="The network and the loss. Means over batches, all parts, where no `ranges` are."
    )
    backward: float
    optimizer: float = Field(
        description="Clipping, moving the weights and putting frozen rows back; shared out over the batches of a step."
    )
    probe: float = Field(description="Measuring φ at the epoch's end, shared out over all its batches.")
    first: float = Field(description="The epoch's first batch as a whole: in it, what pays is measured layer by layer.")
    batches: int = Field(description="How many were timed. The first step's count only where there is no other.")
    clock: Clock = "wall"
    wall: float | None = Field(default=None, description="A whole batch, wall clock; None: not recorded.")
    ranges: StepRanges | None = Field(default=None, description="None: one batch was timed, or spreads were not told.")
    dense: DenseStep | None = Field(default=None, description="None: no dense step was timed yet.")


class StepFlops(FrozenModel):
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
        description="The paper's count of the backward pass: 2 × multiply-adds × (1 − frozen fraction), without "
        "gradients by inputs, norms included."
    )
    ceiling: float = Field(
        description="How many times as fast as dense the step could be under these masks, if time went by operations: "
        "3 / (3 − f − p) where forward, inputs and weights take as many each; f and p are the fractions of the weight "
        "and of the input gradients that are not needed."
    )


class PlanChanges(FrozenModel):
    """What the backward pass did about layers in this epoch, where that differs from the epoch before; column-wise."""

    whole: bool = Field(description="All layers are told, whatever was told before.")
    layers: tuple[int, ...] = Field(
        description="Places in forward order; item i of the other columns is about layer i."
    )
    kinds: tuple[PlanKind, ...]
    computed: tuple[int, ...] = Field(description="Rows of the weight gradient that were computed.")
    reasons: tuple[int, ...] = Field(description="Places in `texts`.")
    dense_ms: tuple[float | None, ...] = Field(
        description="Measured for the whole weight gradient, on a GPU by its own clock; None: it was not."
    )
    rows_ms: tuple[float | None, ...] = Field(description="Measured for the computed rows alone; None: it was not.")
    texts: tuple[str, ...] = Field(description="Why, for people.")


Doubt = Literal["few_batches", "no_dense_step", "busy", "spread", "beyond_bound", "drifted"]
"""Why no measured change is told. `few_batches`: too few were timed. `no_dense_step`: there is nothing to compare
with. `busy`, `spread`: the batches differ so much that nothing can be told, and other programs held the processor, or
did not. `beyond_bound`: all of the spread lies beyond what the counted operations allow. `drifted`: nothing was left
out, and all of the spread lies beside no change."""


class Change(FrozenModel):
    """How a part of the step differs from the dense one's, as a fraction of that: −0.31 is 31 % less."""

    flops: float = Field(description="By the operations that were counted.")
    bound: float = Field(description="By the least operations that the epoch's masks allow.")
    measured: Range | None = Field(default=None, description="By time; None: in doubt.")
    doubt: Doubt | None = Field(default=None, description="Why nothing measured is told; None: it is.")


class Saving(FrozenModel):
    """What frozen neurons saved of a training step of one epoch: counted, and measured where that can be believed."""

    backward: Change
    step: Change
    with_phi: Range | None = Field(
        default=None,
        description="The step's measured change when measuring φ, shared out over batches, is added to it.",
    )
    held_up: float | None = Field(
        default=None,
        description="Wall-clock time over CPU time: above 1, other programs used the CPU. None on a GPU.",
    )
    busy: bool = Field(description="Whether they used it enough to be reported.")
