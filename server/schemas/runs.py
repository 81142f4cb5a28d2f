"""Runs, and what may be done with them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from contract.events import EpochProgressed
from server.schemas.base import RUN_ID, Answer, Finding, Placement
from server.schemas.sweeps import SweptRun

State = Literal["queued", "running", "finished", "stopped", "failed"]


class Turn(Answer):
    """An event that started, interrupted, continued or ended a run."""

    kind: Literal["run_started", "run_continued", "run_requeued", "run_finished", "run_stopped", "run_failed"]
    seq: int
    at: datetime
    epoch: int | None = Field(description="run_continued: the epoch that training continues with.")
    reason: str | None = Field(description="run_requeued: why the run went back to the queue, in one sentence.")


class LoggedAccuracy(Answer):
    """A metric of a script as it was logged, a fraction or a percentage; `accuracy` in filters and orders."""

    name: str
    last: float | None = Field(description="Null where it is not finite.")
    max: float | None


class Timing(Answer):
    """Elapsed and estimated remaining training time at the moment of the response; null where unknown."""

    elapsed_seconds: float | None = Field(
        description="Seconds since a worker claimed the run, excluding the time between an interruption and its resume."
    )
    seconds_per_epoch: float | None = Field(
        description="Median of the latest epochs; estimated from progress during the first one."
    )
    epoch_fraction: float = Field(description="Progress within the running epoch, 0–1; 0 between epochs.")
    seconds_left: float | None = Field(
        description="Estimated seconds until the last epoch is finished; null also if none is left."
    )


class Place(Answer):
    """The position of a run in the queue."""

    position: int = Field(ge=1)
    length: int = Field(ge=1)
    placement: Placement | None = Field(
        description="Whether a cluster has room for it; null where none is needed, and in lists."
    )


class Run(Answer):
    """A run in its current state."""

    id: str = Field(examples=[RUN_ID])
    url: str = Field(description="Address of the run's page.", examples=[f"/runs/{RUN_ID}"])
    name: str = Field(description="Display name; never empty.", examples=["cnn · fashion-mnist-mini · sgd"])
    notes: str
    tags: list[str]
    config: dict[str, Any] = Field(
        description="The RunConfig it was launched with, whole. For one release renamed fields are in it under their "
        "former names too, which the schema of RunConfig marks as deprecated."
    )
    state: State
    reason: str | None = Field(description="Why the run ended, in one sentence.")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    stop_requested: bool = Field(description="Whether a stop was requested; the run then ends within seconds.")
    source: Literal["launched", "external"] = Field(
        description="launched: trained by a worker. external: recorded by a training script."
    )
    group: str | None = Field(description="The name that runs of one experiment have in common; null for none.")
    device: str | None = Field(examples=["CPU, 2 threads"])
    epochs_planned: int | None = Field(description="Null for an external run whose number of epochs is not known.")
    epochs_done: int
    last_seq: int = Field(description="Sequence number of the latest event: the cursor for following the run.")
    revision: int = Field(description="Increases with every change of the run.")
    test_accuracy: float | None = Field(description="Test accuracy after the latest epoch, 0–1.")
    best_test_accuracy: float | None
    logged_accuracy: LoggedAccuracy | None = Field(
        description="Where the epochs tell no test accuracy: what was logged as one, by its name; null without it."
    )
    frozen_fraction: float | None = Field(
        description="Fraction of all watched neurons that are frozen after the latest epoch, 0–1."
    )
    neurons: int | None = Field(description="Number of watched neurons; null until the run has started.")
    progress: EpochProgressed | None = Field(description="Progress within the running epoch; null between epochs.")
    parent_id: str | None = Field(description="The run it was forked from, which may have been deleted since.")
    parent_epoch: int | None = Field(description="The parent's epoch after which it was forked.")
    can_fork: bool = Field(description="Whether a checkpoint is available to fork from.")
    can_resume: bool = Field(description="Whether the run can be resumed.")
    turns: list[Turn] = Field(description="Interruptions, resumes and ends of the run, oldest first; the latest 100.")
    timing: Timing
    heard_seconds_ago: float | None = Field(
        description="Seconds since the worker's last heartbeat; null if no worker has the run."
    )
    queue: Place | None = Field(description="Position in the queue; null if the run is not queued, or is held.")
    priority: int = Field(description="Workers take runs of a higher one first, from -10 to 10.")
    held: bool = Field(description="Whether workers pass it over while it is queued.")
    queue_rank: float = Field(description="Of queued runs the one with the lowest is next.")
    archived: bool = Field(description="Whether it was put away: lists leave it out unless they are asked for it.")
    warnings: list[Finding] = Field(description="Warnings of the checks before the launch.")
    frozen_sparkline: list[float] = Field(
        description="Frozen fraction per epoch, downsampled to at most 60 values, latest last."
    )
    frozen_share: float | None = Field(
        deprecated=True, description="The former name of `frozen_fraction`, answered for one release more."
    )
    frozen_trail: list[float] = Field(
        deprecated=True, description="The former name of `frozen_sparkline`, answered for one release more."
    )


class ListedRun(Run):
    """A run of a list, with the values that were asked for."""

    values: list[str | float | bool | list[str] | None] | None = Field(
        default=None, description="In the order of `fields`; null where the run has none. Only with `fields`."
    )


class RunCounts(Answer):
    """How many runs are in each state."""

    queued: int
    running: int
    finished: int
    stopped: int
    failed: int
    total: int


class RunList(Answer):
    """A page of runs, newest first or in the order asked for."""

    runs: list[ListedRun]
    next: str | None = Field(description="Cursor of the next page; null on the last page, and in another order.")
    total: int | None = Field(
        description="How many runs match, on all pages; null unless `where`, `sort` or `offset` is given."
    )


class Waiting(Answer):
    """A queued run."""

    id: str
    name: str
    group: str | None
    priority: int
    held: bool = Field(description="Workers pass it over until it is released.")
    starts_in_seconds: float | None = Field(
        description="Expected, from what is left of the running runs and what others like those before it took; null "
        "where nobody knows, and of a held run."
    )


class Queue(Answer):
    """The queue, the next run first."""

    queue: list[Waiting]
    length: int = Field(description="Of the whole queue.")
    slots: int = Field(description="Runs that the online workers train at once.")


class RunRefused(Answer):
    """A run that something could not be done to."""

    id: str
    message: str


class ActionsDone(Answer):
    """What was done to each of many runs."""

    done: list[str] = Field(description="The ids of the runs that it was done to.")
    refused: list[RunRefused]
    made: list[SweptRun] = Field(description="The runs that extend those in `done`, in their order; else empty.")


class GroupStates(Answer):
    """How many runs of a group are in each state."""

    queued: int
    running: int
    finished: int
    stopped: int
    failed: int


class GroupOfRuns(Answer):
    """Runs that have a name in common."""

    name: str
    runs: int
    newest_at: datetime = Field(description="When the newest of them was made.")
    states: GroupStates


class Groups(Answer):
    """Groups, the newest first."""

    groups: list[GroupOfRuns]


class Checkpoint(Answer):
    """A checkpoint from which a run can be forked."""

    epoch: int = Field(description="The last epoch that it contains.")
    size_bytes: int
    test_accuracy: float | None = Field(description="Test accuracy after that epoch, 0–1.")
    last: bool
    best: bool = Field(description="Whether it has the highest test accuracy; the earliest one if several do.")


class Checkpoints(Answer):
    """The checkpoints that are kept, oldest first."""

    checkpoints: list[Checkpoint]


class Fork(Answer):
    """A run that continues from a checkpoint of another."""

    id: str
    name: str
    state: State
    epoch: int = Field(description="The parent's epoch after which it begins.")


class Forks(Answer):
    """The runs that were forked from a run, oldest first."""

    forks: list[Fork]


class GroupCell(Answer):
    """A value of a group's runs."""

    known: int = Field(description="How many of the runs that count have it.")
    distinct: int = Field(description="How many different values they have.")
    mean: float | None = Field(description="Null where the values are not all numbers.")
    std: float | None = Field(description="Standard deviation of the sample (n - 1); null of less than two.")
    value: str | float | bool | None = Field(description="The value that all of the runs have; null: there is none.")


class RunGroup(Answer):
    """Runs with the same values of the fields that they are grouped by."""

    values: list[str | float | bool | None] = Field(
        description="In the order of `by`; null where they have none. A time is its day in UTC; a run is in the group "
        "of each of its tags."
    )
    control: str | None = Field(
        description="Of controls their kind, as in `dense`, `random neurons`; null: they are not controls."
    )
    where: str | None = Field(description="The filter that finds them; null where it would be too long.")
    runs: int = Field(description="How many of them count.")
    left_out: int = Field(description="How many more there are, which others continue, or which only continue others.")
    states: dict[State, int] = Field(description="How many of them are in each state that some are in.")
    ids: list[str] = Field(description="Newest first, as `names` are.")
    names: list[str]
    cells: list[GroupCell] = Field(description="In the order of `fields`.")


class RunGroups(Answer):
    """Groups of the runs that match, in the order asked for."""

    groups: list[RunGroup]
    total: int = Field(description="How many groups there are.")
    matching: int = Field(description="How many runs match.")
