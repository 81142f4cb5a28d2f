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


class FieldProblems(Answer):
    """What is wrong with a request, field by field."""

    detail: list[FieldProblem]


class Turn(Answer):
    """An event that started, interrupted, continued or ended a run."""

    kind: Literal["run_started", "run_continued", "run_requeued", "run_finished", "run_stopped", "run_failed"]
    seq: int
    at: datetime
    epoch: int | None = Field(description="run_continued: the epoch that training continues with.")
    reason: str | None = Field(description="run_requeued: why the run went back to the queue, in one sentence.")


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


class Finding(Answer):
    """An error or a warning about one field of a run's config."""

    field: str = Field(
        description="Dotted path of the field, such as `training.batch_size`; empty for the whole config."
    )
    message: str = Field(description="The problem and its remedy.")


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
    device: str | None = Field(examples=["CPU, 2 threads"])
    epochs_planned: int
    epochs_done: int
    last_seq: int = Field(description="Sequence number of the latest event: the cursor for following the run.")
    revision: int = Field(description="Increases with every change of the run.")
    test_accuracy: float | None = Field(description="Test accuracy after the latest epoch, 0–1.")
    best_test_accuracy: float | None
    frozen_share: float | None = Field(
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
    queue: Place | None = Field(description="Position in the queue; null if the run is not queued.")
    warnings: list[Finding] = Field(description="Warnings of the checks before the launch.")
    frozen_sparkline: list[float] = Field(
        description="Frozen fraction per epoch, downsampled to at most 60 values, latest last."
    )
    frozen_trail: list[float] = Field(
        deprecated=True, description="The former name of `frozen_sparkline`, answered for one release more."
    )


class RunList(Answer):
    """A page of runs, newest first."""

    runs: list[Run]
    next: str | None = Field(description="Cursor of the next page; null on the last page.")


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


class Layers(Answer):
    """The watched layers in forward order; empty until the run has started."""

    layers: list[Layer]


class RunCoverage(Answer):
    """How much of the network is watched."""

    coverage: Coverage | None = Field(
        description="Null before the run has started, and for runs that did not record it."
    )


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
        default=None, description="Omitted with `layers=false`."
    )


class Epochs(Answer):
    """Finished epochs in order."""

    epochs: list[Epoch]
    last_seq: int = Field(
        description="Sequence number of the latest event that this response covers: the cursor to continue from."
    )


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
    """The result of checking a config before launch: static checks at once, a dry pass on a worker afterwards."""

    id: str | None = Field(description="Identifier for polling the dry pass's result; null if there is no dry pass.")
    state: CheckState = Field(
        description="pending: waiting for a worker. ok, failed: result of the dry pass. no_worker: none is online. "
        "unknown: no result, see `reason`. refused: static checks failed, so there is no dry pass. not_asked: only "
        "static checks were requested."
    )
    errors: list[Finding] = Field(description="Problems that would make the run fail.")
    warnings: list[Finding] = Field(description="Doubts that do not prevent the launch.")
    reason: str | None = Field(description="Why there is no result, if there is none.")
    worker: str | None = Field(description="Name of the worker that made the dry pass.")
    seconds: float | None = Field(description="Duration of the dry pass.")
    peak_memory_bytes: int | None = Field(description="Peak memory of the dry pass, with a small batch.")
    neq_memory_bytes: int | None = Field(description="Memory that freezing itself needs once all neurons are frozen.")
    parameters: int | None
    neurons: int | None = Field(description="Number of watched neurons.")


class OverviewLayer(Answer):
    """A row of the overview."""

    index: int
    name: str
    neurons: int


class Overview(Answer):
    """One number per layer and epoch."""

    epochs: list[int]
    layers: list[OverviewLayer]
    values: list[list[float | None]] = Field(description="Layers × epochs; null where there is no value.")


class FrozenMap(Answer):
    """The fraction of each layer that is frozen at the end of each epoch."""

    epochs: list[int]
    layers: list[OverviewLayer]
    frozen: list[list[float]] = Field(description="Layers × epochs, 0–1.")


class History(Answer):
    """One field of one layer."""

    epochs: list[int]
    values: list[list[float | bool | None]] = Field(description="Epochs × neurons; null where there is no value.")


class Histograms(Answer):
    """The distribution of a layer's values per epoch."""

    field: Literal["velocity", "phi", "delta"]
    edges: list[float] = Field(
        description="velocity and delta: the 38 inner edges of 39 bins, the outermost open (a bin is the number of "
        "edges ≤ v). phi: the 51 edges of 50 equal bins from −1 to 1."
    )
    epochs: list[int]
    counts: list[list[int] | None] = Field(description="One row per epoch; null while there are no values.")


class Plan(Answer):
    """What the backward pass computed for a layer in one epoch in which `active` of its neurons were updated."""

    index: int
    name: str
    type: str
    neurons: int
    active: int
    kind: PlanKind = Field(
        description="untouched: its own code. rows: some rows of the weight gradient. dense: all of them. stopped: "
        "none. zeros: one of zeros that nobody computed. undecided: no batch reached it."
    )
    computed: int = Field(description="Number of rows of the weight gradient that were computed.")
    dense_ms: float | None = Field(
        description="Measured milliseconds with all rows, by the GPU's own clock on a GPU; null if it was not measured."
    )
    rows_ms: float | None = Field(
        description="Measured milliseconds with the computed rows only; null if it was not measured."
    )
    reason: str


class Plans(Answer):
    """The layers' backward plans of an epoch, in forward order; empty if none were recorded or no epoch is finished."""

    epoch: int | None
    layers: list[Plan]


class NeuronTimeline(Answer):
    """One neuron's history, one item per epoch."""

    epochs: list[int]
    phi: list[float | None]
    velocity: list[float | None]
    frozen: list[Literal[0, 1]] = Field(
        description="1 if frozen at the end of the epoch, that is, not updated in the next one."
    )
    applied: list[Literal[0, 1]] = Field(description="1 if not updated during the epoch.")


class DisplayScale(Answer):
    """How a display byte is read: `byte & frozen_bit`, and `byte & levels` (0: no velocity yet)."""

    frozen_bit: int
    levels: int
    low: float = Field(description="|v| of level 1.")
    high: float = Field(description="|v| of the highest level.")


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


class StoreHealth(Answer):
    """The state of the store."""

    kind: Literal["sqlite", "postgresql"]
    reachable: bool
    problem: str | None = Field(description="What prevents writing, and the remedy; null if there is no known problem.")


class WorkerHealth(Answer):
    """A worker and the time of its last heartbeat."""

    id: str
    name: str
    host: str
    device: str
    slots: int
    heard_at: datetime
    heard_seconds_ago: float
    alive: bool
    capabilities: Capabilities | None = Field(
        description="Available data sets, weights, devices and memory; null until the worker has reported them."
    )


class Liveness(Answer):
    """The process responds."""

    status: Literal["alive"] = "alive"


class Checks(Answer):
    """The checks of readiness, each `ok` or what is wrong."""

    store: str
    schema_: str = Field(alias="schema")
    disk: str


class Readiness(Answer):
    """Whether the server can serve requests."""

    status: Literal["ready", "not ready"]
    checks: Checks


class Health(Answer):
    """The state of the whole system."""

    status: Literal["ok", "degraded"] = Field(description="degraded: see `problems`.")
    problems: tuple[str, ...] = Field(
        description="What prevents recording or training: the store, its disk, its schema, or no online worker."
    )
    version: str
    store: StoreHealth
    workers: list[WorkerHealth]
