"""Metrics of a run, and their points."""

from pydantic import Field

from server.schemas.base import Answer


class Metric(Answer):
    """A metric as it stands."""

    name: str = Field(examples=["val/loss"])
    points: int
    last: float | None = Field(description="Null if the latest value is not finite.")
    last_step: int
    last_epoch: int | None
    min: float | None = Field(description="Of the finite values; null if there is none.")
    max: float | None


class Metrics(Answer):
    """All metrics of a run, by name."""

    metrics: list[Metric]


class MetricSeries(Answer):
    """Points of one metric, column-wise, in the order in which they were logged."""

    name: str
    after: int = Field(description="The place of the first point that was asked for.")
    points: int = Field(description="Number of points that are stored: the place to continue from.")
    thinned: bool = Field(description="Whether points were left out between those that are here.")
    steps: list[int]
    epochs: list[int | None]
    times: list[float] = Field(description="Seconds since 1970.")
    values: list[float | None] = Field(description="Null: not finite.")
