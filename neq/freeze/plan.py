"""What is done about a layer's gradient between two changes of the masks, and why."""

from dataclasses import dataclass, replace
from typing import Any, Literal

PlanKind = Literal["untouched", "undecided", "dense", "rows", "zeros", "stopped"]


@dataclass(frozen=True)
class LayerPlan:
    """What the backward pass does about one layer.

    Attributes:
        kind: `untouched`: nothing is frozen, the module's own code runs. `undecided`: the next backward pass will
            measure what pays. `dense`: the whole weight gradient is computed, then frozen rows are zeroed. `rows`: it
            is computed for some rows only. `zeros`: no row is computed, but a gradient of zeros is given. `stopped`:
            no parameter requires a gradient.
        neurons: of the layer.
        active: those that move.
        computed: rows of the weight gradient that are really computed, frozen ones that fill a block included.
        reason: why this kind, for people.
        dense_ms: milliseconds of the whole weight gradient, on a CPU with frozen rows zeroed; None where it was not
            measured. On a GPU it is the device's own time, not the host's.
        rows_ms: the same of `computed` rows, gathering and scattering included; None where it was not measured.
    """

    kind: PlanKind
    neurons: int
    active: int
    computed: int
    reason: str
    dense_ms: float | None = None
    rows_ms: float | None = None

    def replaced(self, **fields: Any) -> "LayerPlan":
        """The same plan with other values in some fields."""
        return replace(self, **fields)
