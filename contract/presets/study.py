"""What a study is: a question that a grid of runs answers, at two scales, and what a publication reported of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from contract.presets.preset import FullyAnswered

Grid = dict[str, list[Any]]
TAG = "study:"
"""What the runs of a study are tagged with, before its name."""
SCALED = "scaled"
"""The tag of runs that are smaller than the published ones."""


class PublishedPoint(FullyAnswered):
    """What was published of one setting."""

    label: str = Field(description="Of the setting, for people.")
    values: dict[str, Any] = Field(description="Of what varies, by dotted path, or by the path of its kind.")
    metrics: dict[str, float] = Field(description="After the last epoch, by the names of metrics.")


class PublishedStudy(FullyAnswered):
    """What was published of a study."""

    source: str
    points: tuple[PublishedPoint, ...] = Field(description="Empty: no value is known.")
    words: str = Field(description="What it found, or why there are no points.")


@dataclass(frozen=True, slots=True)
class Scale:
    """The runs of a study, as large as they were published or as a CPU trains them in minutes.

    Attributes:
        said: how large the runs are, and why, in words.
        base: the fields of a RunConfig that all runs have in common and that differ from its defaults.
        grid: values by dotted path; see `contract.sweeps`.
        seeds: runs of each combination.
    """

    name: Literal["here", "paper"]
    said: str
    base: dict[str, Any]
    grid: Grid
    seeds: int = 1


@dataclass(frozen=True, slots=True)
class Study:
    """A question, and the runs that answer it.

    Attributes:
        name: for commands, tags and groups, such as `epsilon`.
        title: for people.
        question: what it asks, in one sentence.
        here: minutes or an hour on a CPU, with data that come with the program.
        paper: as published.
    """

    name: str
    title: str
    question: str
    published: PublishedStudy
    here: Scale
    paper: Scale
    scales: tuple[Scale, Scale] = field(init=False)

    def __post_init__(self) -> None:
        """`scales`: both, the smaller one first."""
        object.__setattr__(self, "scales", (self.here, self.paper))

    def body(self, scale: Scale) -> dict[str, Any]:
        """The sweep, as `POST /sweeps` reads it."""
        small = scale.name == "here"
        tags = [f"{TAG}{self.name}", *([SCALED] if small else [])]
        group = f"study {self.name}{f', {SCALED}' if small else ''}"
        return {"base": {**scale.base, "tags": tags}, "grid": scale.grid, "seeds": scale.seeds, "group": group}


def with_neq(base: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    """A run's description with other settings of equilibrium."""
    return {**base, "neq": {**base["neq"], **changed}}
