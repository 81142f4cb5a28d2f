"""Runs side by side."""

from typing import Literal

from pydantic import Field

from server.schemas.base import Answer
from server.schemas.runs import Run


class Curve(Answer):
    """A metric of one run."""

    run: str
    x: list[float] | None = Field(description="Places on the axis, rising; null: those that all curves share.")
    y: list[float | None] = Field(description="Null where a value is not finite. In eight digits.")
    thinned: bool = Field(description="Whether points were left out; the least and greatest of each stretch stay.")
    unplaced: int = Field(description="Points that have no place on this axis.")


class CurveBand(Answer):
    """Runs that have a value in common, as one curve."""

    value: str | None = Field(
        description="What they have in common; null for runs that have nothing there. Of controls with their kind."
    )
    runs: list[str] = Field(description="Those that count.")
    left_out: list[str] = Field(description="Those that others of the group continue, or that only continue others.")
    x: list[float]
    mean: list[float]
    low: list[float] = Field(description="std: mean less the sample's standard deviation. minmax: the least.")
    high: list[float]
    count: list[int] = Field(description="Of how many runs, place by place.")


class Curves(Answer):
    """One metric of many runs."""

    metric: str
    axis: str
    x: list[float] | None = Field(description="Places that all its curves have in common; null: each has its own.")
    curves: list[Curve] = Field(description="Of the runs that have this metric.")
    bands: list[CurveBand]


class ComparedGroup(Answer):
    """Runs that have a value in common, with points or without."""

    value: str | None = Field(description="What they have in common; null for runs that have nothing there.")
    runs: list[str]


class Charts(Answer):
    """Several metrics of many runs."""

    charts: list[Curves]
    groups: list[ComparedGroup] = Field(description="Of all the runs that were asked for, where they are grouped.")
    missing: list[str] = Field(description="Ids of runs that do not exist.")


class ComparedMetric(Answer):
    """A metric of many runs, each in the place that its run has; null: the run has it not, or no finite value."""

    name: str
    smaller_is_better: bool = Field(description="Whether its name speaks of a loss or an error.")
    last: list[float | None]
    least: list[float | None]
    greatest: list[float | None]


class EpochSeconds(Answer):
    """How long the training of an epoch took."""

    median: float
    low: float
    high: float
    count: int


class Comparison(Answer):
    """Many runs side by side, in the order in which they were asked for."""

    runs: list[Run]
    missing: list[str] = Field(description="Ids of runs that do not exist.")
    metrics: list[ComparedMetric] = Field(description="By name; without samples of the machine.")
    metrics_left_out: int = Field(description="How many more there are; those that most of the runs have are shown.")
    epoch_seconds: list[EpochSeconds | None] = Field(description="Run by run; null where no epoch told it.")
    totals: dict[str, list[float | None]] = Field(
        description="What all finished epochs of each run took, by the axes of curves; null where one did not tell."
    )


class LayerPair(Answer):
    """Two layers that stand for each other."""

    a: int = Field(description="The layer's index in run A.")
    b: int
    name_a: str
    name_b: str
    neurons_a: int
    neurons_b: int


class Agreement(Answer):
    """How two runs' masks agree."""

    by: Literal["name", "place"] = Field(description="How layers were matched.")
    differing: list[str] = Field(
        description="Why single neurons are not known to be the same: seed, network, data, unknown weights."
    )
    epochs: int = Field(description="Rows are epochs from 0 up to before this one.")
    pairs: list[LayerPair]
    jaccard: list[list[float | None]] = Field(
        description="Of each pair and epoch: neurons that both froze, of those that either did; 1 where nobody froze "
        "any, null where an epoch is missing or the layers differ in size."
    )
    difference: list[list[float | None]] = Field(description="Frozen fraction of B less that of A; likewise.")


class FirstFreezes(Answer):
    """The epochs behind which neurons were first frozen, in two runs."""

    a: list[int | None] = Field(description="Neuron by neuron; null: never.")
    b: list[int | None]
