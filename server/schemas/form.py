"""What the launch form is filled and checked with."""

from typing import Any, Literal

from pydantic import Field

from contract.presets import Published
from server.schemas.base import Answer, Finding, Placement

CheckState = Literal["pending", "ok", "failed", "no_worker", "unknown", "refused", "not_asked"]


class Check(Answer):
    """The result of checking a config before launch: static checks at once, a dry pass on a worker afterwards."""

    id: str | None = Field(description="Identifier for polling the dry pass's result; null if there is no dry pass.")
    state: CheckState = Field(
        description="pending: waiting for a worker. ok, failed: result of the dry pass. no_worker: none is online. "
        "unknown: no result, see `reason`. refused: static checks failed, so there is no dry pass. not_asked: only "
        "static checks were requested."
    )
    errors: list[Finding] = Field(description="Problems that would make the run fail.")
    warnings: list[Finding] = Field(description="Doubts that do not prevent the launch.")
    placement: Placement | None = Field(
        description="Whether a cluster has room for the run now; null where a worker of a single machine may take it."
    )
    reason: str | None = Field(description="Why there is no result, if there is none.")
    worker: str | None = Field(description="Name of the worker that made the dry pass.")
    seconds: float | None = Field(description="Duration of the dry pass.")
    peak_memory_bytes: int | None = Field(description="Peak memory of the dry pass, with a small batch.")
    neq_memory_bytes: int | None = Field(description="Memory that freezing itself needs once all neurons are frozen.")
    parameters: int | None
    neurons: int | None = Field(description="Number of watched neurons.")


class Preset(Answer):
    """A preset for the form."""

    name: str
    title: str
    description: str
    config: dict[str, Any] = Field(description="The fields of a RunConfig that the preset sets.")
    whole: dict[str, Any] = Field(description="The complete RunConfig of the preset.")
    problem: str | None = Field(description="Why no online worker can train it; null if one can, or if none is online.")
    published: Published | None = Field(
        description="Published results of this run; runs started from the preset name it in their config's `recipe`."
    )


class Presets(Answer):
    """The available presets."""

    presets: list[Preset]
