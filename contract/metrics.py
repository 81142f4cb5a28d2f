"""Metrics of a run's own: any numbers, by name, step and epoch."""

import re
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from contract.base import FrozenModel, wrong_field

MOST_POINTS = 100_000
"""Of one series in one event."""
LARGEST = 2**53
"""A browser's numbers are exact up to here."""

MetricName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Step = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Epoch = Annotated[int, Field(ge=0, le=10_000_000)]


class MetricSeries(FrozenModel):
    """Points of one metric in the order in which they were logged; column-wise."""

    model_config = ConfigDict(ser_json_inf_nan="strings")
    name: MetricName = Field(description="Metrics of one prefix, such as `val/` of `val/loss`, are shown together.")
    steps: tuple[Step, ...] = Field(max_length=MOST_POINTS)
    epochs: tuple[Epoch | None, ...] = Field(max_length=MOST_POINTS, description="Null: logged without one.")
    times: tuple[float, ...] = Field(max_length=MOST_POINTS, description="Seconds since 1970.")
    values: tuple[float, ...] = Field(
        max_length=MOST_POINTS,
        description='A number, or "NaN", "Infinity", "-Infinity" for what JSON has no number for.',
    )

    @model_validator(mode="after")
    def _columns_are_of_one_length(self) -> Self:
        if len({len(self.steps), len(self.epochs), len(self.times), len(self.values)}) > 1:
            raise wrong_field("values", "steps, epochs, times and values must be of the same length")
        return self


class MetricsLogged(FrozenModel):
    """Points of metrics that a run logged since it last told of some."""

    kind: Literal["metrics_logged"] = "metrics_logged"
    series: tuple[MetricSeries, ...] = Field(max_length=1_000)


_LESS = re.compile(r"loss|error|perplexity|(?<![a-z])(?:err|mse|mae|rmse|nll|ppl|wer|cer)(?![a-z])", re.IGNORECASE)


def smaller_is_better(name: str) -> bool:
    """Whether the best value of a metric is its least: its name speaks of a loss or an error."""
    return _LESS.search(name) is not None
