"""What runs can be filtered and sorted by."""

from typing import Literal

from pydantic import Field

from server.schemas.base import Answer

FieldKind = Literal["choice", "flag", "number", "tags", "text", "time", "setting", "metric"]


class FilterField(Answer):
    """A field of the filter language."""

    field: str = Field(
        description="As it is written in a filter; to a metric `.last`, `.min`, `.max`, `.best` or `.at.N` can be "
        "added.",
        examples=["neq.epsilon", "metric.val/accuracy"],
    )
    kind: FieldKind
    values: list[str] = Field(description="All that it can be; empty where that is not limited.")


class FrequentValue(Answer):
    """A value of a field."""

    value: str = Field(description="As text; numbers and flags as they are written in a filter.")
    runs: int = Field(description="How many runs have it.")


class FilterFields(Answer):
    """What a filter or an order may name next."""

    fields: list[FilterField] = Field(
        description="The run's own, then the config's settings and the metrics that stored runs have, each in order."
    )
    more: bool = Field(description="Whether there are more settings or metrics than are listed.")
    values: list[FrequentValue] | None = Field(
        description="The most frequent values of the `field` asked for; null where there are none to list."
    )
