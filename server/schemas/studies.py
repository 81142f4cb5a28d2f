"""Studies from the paper, as the API answers them."""

from typing import Any, Literal

from pydantic import Field

from contract.presets import PublishedStudy
from server.schemas.base import Answer
from server.schemas.sweeps import Estimate


class StudySweep(Answer):
    """A sweep, as `POST /sweeps` reads it."""

    base: dict[str, Any] = Field(description="The fields of a RunConfig that the study sets.")
    grid: dict[str, list[Any]]
    seeds: int
    group: str


class StudyScale(Answer):
    """The runs of a study at one size."""

    name: Literal["here", "paper"] = Field(description="here: what a CPU trains in minutes to an hour.")
    said: str = Field(description="How large the runs are, and why.")
    sweep: StudySweep
    whole: dict[str, Any] = Field(description="The complete RunConfig of `sweep.base`.")
    runs: int
    problem: str | None = Field(description="Why no online worker can train them; null if one can, or none is online.")
    estimate: Estimate


class Study(Answer):
    """A question of the paper, and the runs that answer it."""

    name: str
    title: str
    question: str
    published: PublishedStudy
    scales: list[StudyScale]


class Studies(Answer):
    """The available studies."""

    studies: list[Study]
