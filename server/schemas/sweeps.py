"""Sweeps, as the API answers them."""

from typing import Any

from pydantic import Field

from server.schemas.base import RUN_ID, Answer, FieldProblem, Finding

CELLS = "The combinations of values that it is about, at most 20; empty where it is about all."


class SweepProblem(FieldProblem):
    """What is wrong with one field of some of a sweep's runs."""

    runs: int = Field(description="In how many of the runs; 0 where it is about the grid itself.")
    cells: list[dict[str, Any]] = Field(description=CELLS)


class SweepProblems(Answer):
    """Why a sweep was not queued; nothing of it was."""

    detail: list[SweepProblem]


class SweepWarning(Finding):
    """What is doubtful about some of a sweep's runs."""

    runs: int
    cells: list[dict[str, Any]] = Field(description=CELLS)


class Estimate(Answer):
    """What runs will take, read from earlier runs that differ in nothing that an epoch's time depends on."""

    seconds: float | None = Field(description="On the online workers; null where no such run is known.")
    with_starting: bool = Field(description="Whether that includes what it takes until training begins.")
    bytes: int | None = Field(description="In the store and of checkpoints.")
    runs_known: int = Field(description="How many of the runs these figures are of.")
    runs_unknown: int
    read_from: int = Field(description="From how many earlier runs they were read.")
    devices: list[str] = Field(description="What those ran on.")
    slots: int = Field(description="Runs that the online workers train at once.")


class PlannedRun(Answer):
    """A run that a sweep would queue."""

    name: str
    values: dict[str, Any] = Field(description="What it has of the fields that vary.")


class SweepExample(Answer):
    """One run of those that cost alike; what `POST /checks` says of it holds for all of them."""

    name: str
    runs: int = Field(description="How many cost alike.")
    config: dict[str, Any] = Field(description="Whole.")


class SweepPreview(Answer):
    """What a sweep would queue."""

    runs: int
    first: list[PlannedRun] = Field(description="The first of them, at most 50; none where there are errors.")
    errors: list[SweepProblem]
    warnings: list[SweepWarning]
    kinds: int = Field(
        description="Of runs that cost alike: same data, network, batch, rule; 0 where there are errors."
    )
    examples: list[SweepExample] = Field(description="One run of each kind, at most 4 of them, to be tried.")
    estimate: Estimate | None = Field(description="Null where there are errors.")


class SweptRun(Answer):
    """One of the runs that were queued at once."""

    id: str = Field(examples=[RUN_ID])
    name: str
    url: str = Field(description="Address of the run's page.")


class ControlLeftOut(Answer):
    """A control that was not queued."""

    run: str = Field(description="The run that it would be a control of.")
    control: str
    message: str


class ControlsQueued(Answer):
    """Controls that are queued, and those that are not."""

    runs: list[SweptRun]
    left_out: list[ControlLeftOut]


class SweepQueued(Answer):
    """A sweep whose runs are queued."""

    group: str
    runs: list[SweptRun]
    warnings: list[SweepWarning]
