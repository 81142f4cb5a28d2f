"""What all response bodies share, and what is said where a request is wrong."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

RUN_ID = "k3v9x0a2mq"


class Answer(BaseModel):
    """A response body of the API; every field is always present, null where there is no value."""

    model_config = ConfigDict(extra="forbid")


class Problem(Answer):
    """What is wrong, in one sentence."""

    detail: str = Field(examples=["There is no run 'k3v9x0a2mq': it may have been deleted."])


class FieldProblem(Answer):
    """What is wrong with one field."""

    field: str = Field(
        description="Dotted path of the field, such as `optimizer.learning_rate`; empty for the whole body."
    )
    message: str
    type: str = Field(description="The error's type, as pydantic names it.")
    input: Any = Field(description="The value that was given, shortened if it is long.")
    start: int | None = Field(
        default=None, description="In `where`, `sort` and `field`: the place of what is wrong, in characters from 0."
    )
    end: int | None = Field(default=None, description="The place behind it.")


class FieldProblems(Answer):
    """What is wrong with a request, field by field."""

    detail: list[FieldProblem]


class Placement(Answer):
    """Whether a run has a place on the nodes of the clusters that workers train on."""

    state: Literal["fits", "waits", "nowhere"] = Field(
        description="fits: one has room now. waits: others have what it needs. nowhere: no node has so much."
    )
    text: str = Field(description="The same in a sentence without a full stop.", examples=["Fits now on 2 of 3 nodes"])


class Finding(Answer):
    """An error or a warning about one field of a run's config."""

    field: str = Field(
        description="Dotted path of the field, such as `training.batch_size`; empty for the whole config."
    )
    message: str = Field(description="The problem and its remedy.")
