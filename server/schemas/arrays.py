"""What is read from the recorded arrays."""

from typing import Literal

from pydantic import Field

from server.schemas.base import Answer


class OverviewLayer(Answer):
    """A row of the overview."""

    index: int
    name: str
    neurons: int


class Overview(Answer):
    """One number per layer and epoch."""

    epochs: list[int]
    layers: list[OverviewLayer]
    values: list[list[float | None]] = Field(description="Layers × epochs; null where there is no value.")


class FrozenMap(Answer):
    """The fraction of each layer that is frozen at the end of each epoch."""

    epochs: list[int]
    layers: list[OverviewLayer]
    frozen: list[list[float]] = Field(description="Layers × epochs, 0–1.")


class History(Answer):
    """One field of one layer."""

    epochs: list[int]
    values: list[list[float | bool | None]] = Field(description="Epochs × neurons; null where there is no value.")


class Histograms(Answer):
    """The distribution of a layer's values per epoch."""

    field: Literal["velocity", "phi", "delta"]
    edges: list[float] = Field(
        description="velocity and delta: the 38 inner edges of 39 bins, the outermost open (a bin is the number of "
        "edges ≤ v). phi: the 51 edges of 50 equal bins from −1 to 1."
    )
    epochs: list[int]
    counts: list[list[int] | None] = Field(description="One row per epoch; null while there are no values.")


class NeuronTimeline(Answer):
    """One neuron's history, one item per epoch."""

    epochs: list[int]
    phi: list[float | None]
    velocity: list[float | None]
    frozen: list[Literal[0, 1]] = Field(
        description="1 if frozen at the end of the epoch, that is, not updated in the next one."
    )
    applied: list[Literal[0, 1]] = Field(description="1 if not updated during the epoch.")


class DisplayScale(Answer):
    """How a display byte is read: `byte & frozen_bit`, and `byte & levels` (0: no velocity yet)."""

    frozen_bit: int
    levels: int
    low: float = Field(description="|v| of level 1.")
    high: float = Field(description="|v| of the highest level.")
