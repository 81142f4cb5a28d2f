"""What all facts have in common."""

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """A thing that happened. Frozen; unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
