"""The bodies that the API answers with, as its documentation shows them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.checks.capabilities import Capabilities
from contract.costs import PlanKind
from contract.events import Coverage, EpochFinished, EpochProgressed, Layer, LayerCounts
from contract.presets import Published

RUN_ID = "k3v9x0a2mq"

State = Literal["queued", "running", "finished", "stopped", "failed"]
CheckState = Literal["pending", "ok", "failed", "no_worker", "unknown", "refused", "not_asked"]


class Answer(BaseModel):
    """A body of the API; every field is always there, null where there is no value."""

    model_config = ConfigDict(extra="forbid")


class Problem(Answer):
    """What is wrong, in a sentence."""

    detail: str = Field(examples=["There is no run 'k3v9x0a2mq': it may have been deleted."])


class FieldProblem(Answer):
    """What is wrong with one field."""

    field: str = Field(description="Dotted path, such as `optimizer.learning_rate`; empty: the whole body.")
    message: str
    type: str = Field(description="pydantic's name for it.")
    input: Any = Field(description="What was given; shortened where it is long.")


class FieldProblems(Answer):
    """What is wrong with a request, field by field."""

    detail: list[FieldProblem]


class Turn(Answer):
    """Something that began, cut off, continued or ended a run."""

    kind: Literal["run_started", "run_continued", "run_requeued", "run_finished", "run_stopped", "run_failed"]
    seq: int
    at: datetime
    epoch: int | None = Field(description="run_continued: the epoch that is trained from there on.")
    reason: str | None = Field(description="run_requeued: why it went back to the queue, in a sentence.")


class Timing(Answer):
    """How long a run has been trained and how long it will be, at the moment of this answer; null: not known."""

    elapsed_seconds: float | None = Field(
        description="Since a worker took it, without the time between a cut-off, or its end, and its continuation."
    )
    seconds_per_epoch: float | None = Field(description="Median of the newest epochs; in the first, by its own pace.")
    epoch_fraction: float = Field(description="How much of the running epoch is over, 0–1; 0 outside of one.")
    seconds_left: float | None = Field(description="Until all epochs are done; null also where none is left.")


class Place(Answer):
    """Where a queued run waits."""

    position: int = Field(ge=1)
    length: int = Field(ge=1)


class Finding(Answer):
    """What is wrong, or doubtful, about one field of a run's description."""

    field: str = Field(description="Dotted path, such as `training.batch_size`; empty: the whole of it.")
    message: str = Field(description="What it is and what to do about it.")


class Run(Answer):
    """A run, as it stands."""

    id: str = Field(examples=[RUN_ID])
    url: str = Field(description="Its page.", examples=[f"/runs/{RUN_ID}"])
    name: str = Field(description="Never empty.", examples=["cnn · fashion-mnist-mini · sgd"])
    notes: str
    tags: list[str]
    config: dict[str, Any] = Field(
        description="The RunConfig it was launched with, whole. For one release renamed fields are in it under their "
        "former names too, which the schema of RunConfig marks as deprecated."
    )
    state: State
    reason: str | None = Field(description="Why it ended as it did, in a sentence.")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    stop_requested: bool = Field(description="Somebody asked for it to stop; it ends within seconds.")
    device: str | None = Field(examples=["CPU, 2 threads"])
    epochs_planned: int
    epochs_done: int
    last_seq: int = Field(description="Number of its newest event: the cursor to follow it from.")
    revision: int = Field(description="Rises with every change.")
    test_accuracy: float | None = Field(description="After the newest epoch, 0–1.")
    best_test_accuracy: float | None
    frozen_share: float | None = Field(description="Of all watched neurons, decided at the newest epoch's end; 0–1.")
    neurons: int | None = Field(description="Watched neurons; null until it has started.")
    progress: EpochProgressed | None = Field(description="Where it is inside an epoch; null outside one.")
    parent_id: str | None = Field(description="The run that it was forked from; that may be deleted since.")
    parent_epoch: int | None = Field(description="The epoch after which it was forked: what follows is its own.")
    can_fork: bool = Field(description="Whether a checkpoint of it is kept.")
    can_resume: bool = Field(description="Whether `resume` would let it go on where it ended.")
    turns: list[Turn] = Field(description="What became of it, oldest first; the newest hundred.")
    timing: Timing
    heard_seconds_ago: float | None = Field(description="Since its worker's last heartbeat; null while none has it.")
    queue: Place | None = Field(description="Its place among the queued runs; null where it is not queued.")
    warnings: list[Finding] = Field(description="What was doubtful about it when it was launched; it ran all the same.")
    frozen_sparkline: list[float] = Field(
        description="Frozen shares of its epochs, thinned to 60 at most, newest last."
    )
    frozen_trail: list[float] = Field(
        deprecated=True, description="The former name of `frozen_sparkline`, answered for one release more."
    )


class RunList(Answer):
    """A page of runs, newest first."""

    runs: list[Run]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class Checkpoint(Answer):
    """A file from which a run can be forked."""

    epoch: int = Field(description="The last one that is trained in it.")
    size_bytes: int
    test_accuracy: float | None = Field(description="After that epoch, 0–1.")
    last: bool
    best: bool = Field(description="The highest test accuracy; of equals the earliest.")


class Checkpoints(Answer):
    """The checkpoints that are kept, oldest first."""

    checkpoints: list[Checkpoint]


class Fork(Answer):
    """A run that goes on from a checkpoint of another."""

    id: str
    name: str
    state: State
    epoch: int = Field(description="It begins after this epoch of the other.")


class Forks(Answer):
    """The runs that were forked from a run, oldest first."""

    forks: list[Fork]


class Layers(Answer):
    """The watched layers in forward order; empty until the run has started."""

    layers: list[Layer]


class RunCoverage(Answer):
    """How much of the network is watched."""

    coverage: Coverage | None = Field(description="null before the run has started, and for runs that do not tell.")


class Epoch(EpochFinished):
    """One finished epoch: its event under the event's number."""

    seq: int
    at: datetime
    kind: Literal["epoch_finished"]
    # The store keeps null for a number that is not finite, since JSON has none.
    train_loss: float | None  # type: ignore[assignment]
    train_accuracy: float | None  # type: ignore[assignment]
    test_loss: float | None  # type: ignore[assignment]
    test_accuracy: float | None  # type: ignore[assignment]
    layers: LayerCounts | None = Field(  # type: ignore[assignment]
        default=None, description="Left out with `layers=false`."
    )


class Epochs(Answer):
    """Finished epochs in order."""

    epochs: list[Epoch]
    last_seq: int = Field(description="The cursor to go on from: the run's newest event that this answer covers.")


class LogLine(Answer):
    """Lines that the run logged together."""

    seq: int
    at: datetime
    level: Literal["info", "warning", "error"]
    text: str


class Log(Answer):
    """The run's log."""

    lines: list[LogLine]


class Check(Answer):
    """What is known of a run before it is launched, at once and after a dry pass on a worker."""

    id: str | None = Field(description="To ask for the dry pass's answer with; null where none is made.")
    state: CheckState = Field(
        description="pending: a worker is asked. ok, failed: it tried. no_worker: none is alive. unknown: it could not "
        "tell, `reason` says why. refused: what is known at once makes it fail, so none tries. not_asked: only what is "
        "known at once was asked for."
    )
    errors: list[Finding] = Field(description="Why it would fail.")
    warnings: list[Finding] = Field(description="What is doubtful about it and does not keep it from being launched.")
    reason: str | None = Field(description="Why nothing is known, where that is so.")
    worker: str | None = Field(description="Name of the worker that tried.")
    seconds: float | None = Field(description="What the dry pass took.")
    peak_memory_bytes: int | None = Field(description="Most memory that the dry pass took, with a small batch.")
    neq_memory_bytes: int | None = Field(description="What freezing itself keeps of it, once all neurons are frozen.")
    parameters: int | None
    neurons: int | None = Field(description="Watched ones.")


class OverviewLayer(Answer):
    """A row of the overview."""

    index: int
    name: str
    neurons: int


class Overview(Answer):
    """One number per layer and epoch."""

    epochs: list[int]
    layers: list[OverviewLayer]
    values: list[list[float | None]] = Field(description="Layers × epochs; null: there is no value.")


class FrozenMap(Answer):
    """The overview: which share of each layer was decided to be frozen at each epoch's end."""

    epochs: list[int]
    layers: list[OverviewLayer]
    frozen: list[list[float]] = Field(description="Layers × epochs, 0–1.")


class History(Answer):
    """One field of one layer."""

    epochs: list[int]
    values: list[list[float | bool | None]] = Field(description="Epochs × neurons; null: there is no value.")


class Histograms(Answer):
    """How a layer's values were spread, epoch by epoch."""

    field: Literal["velocity", "phi", "delta"]
    edges: list[float] = Field(
        description="velocity and delta: the 38 inner edges of 39 bins, the outermost open (a bin is the number of "
        "edges ≤ v). phi: the 51 edges of 50 equal bins from −1 to 1."
    )
    epochs: list[int]
    counts: list[list[int] | None] = Field(description="One row per epoch; null: no values yet.")


class Plan(Answer):
    """What the backward pass did about a layer in one epoch, in which `active` of its neurons moved."""

    index: int
    name: str
    type: str
    neurons: int
    active: int
    kind: PlanKind = Field(
        description="untouched: its own code. rows: some rows of the weight gradient. dense: all of them. stopped: "
        "none. zeros: one of zeros that nobody computed. undecided: no batch reached it."
    )
    computed: int = Field(description="Rows of the weight gradient that were computed.")
    dense_ms: float | None = Field(description="Measured for all rows, on a GPU by its own clock; null: it was not.")
    rows_ms: float | None = Field(description="Measured for the computed rows alone.")
    reason: str


class Plans(Answer):
    """The layers' plans in an epoch, in forward order; none where the run does not tell, or no epoch is finished."""

    epoch: int | None
    layers: list[Plan]


class NeuronTimeline(Answer):
    """One neuron, an item an epoch."""

    epochs: list[int]
    phi: list[float | None]
    velocity: list[float | None]
    frozen: list[Literal[0, 1]] = Field(description="1: decided at the epoch's end not to be updated.")
    applied: list[Literal[0, 1]] = Field(description="1: was not updated during the epoch.")


class DisplayScale(Answer):
    """How a display byte is read: `byte & frozen_bit`, and `byte & levels` (0: no velocity yet)."""

    frozen_bit: int
    levels: int
    low: float = Field(description="|v| of level 1.")
    high: float = Field(description="|v| of the highest level.")


class Preset(Answer):
    """A starting point for the form."""

    name: str
    title: str
    description: str
    config: dict[str, Any] = Field(description="The part of a RunConfig that it sets.")
    whole: dict[str, Any] = Field(description="The RunConfig that comes of it, every field of it.")
    problem: str | None = Field(description="Why no living worker could train it; null: one could, or none lives.")
    published: Published | None = Field(
        description="What was published of this run; a run tells by its config's `recipe` that it came from here."
    )


class Presets(Answer):
    """The starting points that there are."""

    presets: list[Preset]


class StoreHealth(Answer):
    """How the store is."""

    kind: Literal["sqlite", "postgresql"]
    reachable: bool
    problem: str | None = Field(description="What keeps it from taking in more, and the remedy; null: nothing known.")


class WorkerHealth(Answer):
    """A worker, and when it was heard."""

    id: str
    name: str
    host: str
    device: str
    slots: int
    heard_at: datetime
    heard_seconds_ago: float
    alive: bool
    capabilities: Capabilities | None = Field(
        description="Data sets, weights, devices and memory that it has; null: it has not said yet."
    )


class Liveness(Answer):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Checks(Answer):
    """What was looked at, each `ok` or what is wrong."""

    store: str
    schema_: str = Field(alias="schema")
    disk: str


class Readiness(Answer):
    """Whether the server can do its work."""

    status: Literal["ready", "not ready"]
    checks: Checks


class Health(Answer):
    """How the system is."""

    status: Literal["ok", "degraded"] = Field(description="degraded: `problems` says why.")
    problems: tuple[str, ...] = Field(
        description="What keeps it from recording or training: the store, its disk, its schema, or no living worker."
    )
    version: str
    store: StoreHealth
    workers: list[WorkerHealth]
