"""What a run says, from its start to its end: frozen facts in the past tense, told apart by `kind`.

The engine yields them, the worker appends them, the store numbers them, the API serves them, the browser listens.
Epochs are counted from 0. Fractions and accuracies lie in 0–1, durations are seconds. A value that does not exist yet
is None, never 0. The masks are two facts: `applied` held during the epoch, `frozen` was decided at its end and holds
during the next one. This module imports pydantic alone.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from contract.base import FrozenModel, RenamedFieldsModel
from contract.costs import PlanChanges, Saving, StepFlops, StepTimes
from contract.data_report import DataFound
from contract.former_names import FormerName
from contract.layers import Coverage, Layer
from contract.metrics import Epoch, MetricsLogged

BINS_PER_DECADE = 3
SMALLEST_DECADE = -6
VELOCITY_EDGES: tuple[float, ...] = tuple(
    sign * 10.0 ** (SMALLEST_DECADE + step / BINS_PER_DECADE)
    for sign, steps in (
        (-1.0, range(-SMALLEST_DECADE * BINS_PER_DECADE, -1, -1)),
        (1.0, range(-SMALLEST_DECADE * BINS_PER_DECADE + 1)),
    )
    for step in steps
)
"""The fixed inner edges of every velocity histogram: ±10⁻⁶ … ±1, three a decade, rising. 38 edges part the line into
39 bins, `bin = number of edges ≤ v`, the outermost two open. Fixed, so that epochs, layers and runs compare."""


class RunStarted(FrozenModel):
    """Training begins. A launched run tells all of it; an external one its layers with each watch."""

    kind: Literal["run_started"] = "run_started"
    layers: tuple[Layer, ...] = ()
    neurons: int = Field(default=0, ge=0, lt=2**31)
    parameters: int = Field(
        default=0, description="Trainable parameters of the whole network, watched or not; 0 until they are known."
    )
    device: str = Field(description="Human-readable name of the device, such as `CPU, 2 threads` or `NVIDIA H200`.")
    epochs: int | None = Field(default=None, description="Number of planned epochs; null if that is not known.")
    batches_per_epoch: int | None = None
    train_samples: int | None = None
    test_samples: int | None = None
    probe_samples: int | None = None
    first_freezing_epoch: int | None = Field(
        default=None, description="First epoch in which neurons can be frozen; null if the rule never freezes."
    )
    task: Literal["classification", "segmentation"] = Field(
        default="classification", description="Whether the network predicts a class per image or a class per pixel."
    )
    data: DataFound | None = Field(
        default=None, description="Statistics of the data; null for runs recorded by a version without them."
    )
    versions: dict[str, str] = Field(description="Versions of Python, torch, torchvision and this program.")
    commit: str | None = Field(
        default=None,
        description="Git commit of the program, with `-dirty` if files were modified; null outside a checkout.",
    )
    warnings: tuple[str, ...] = Field(
        default=(), description="Reasons why nothing will be frozen, if that is the case."
    )
    coverage: Coverage | None = Field(default=None, description="Null if it was not recorded.")
    command: str | None = Field(default=None, max_length=10_000, description="Command line of an external run.")
    script: str | None = Field(default=None, max_length=1_000, description="Name of its Python file.")
    host: str | None = Field(default=None, max_length=300)
    pid: int | None = None


class WatchStarted(FrozenModel):
    """An external run watches a network from now on; its layers stand behind those of the watches before it."""

    kind: Literal["watch_started"] = "watch_started"
    name: str | None = Field(default=None, max_length=100, description="Null for the run's only one.")
    first: int = Field(ge=0, description="Index of its first layer.")
    layers: tuple[Layer, ...] = Field(max_length=100_000)
    neurons: int = Field(ge=0)
    parameters: int = Field(ge=0, description="Trainable parameters of the whole network, watched or not.")
    epsilon: float
    mu: float
    options: dict[str, Any] = Field(default_factory=dict, description="Every option of the library's `NEq`.")
    probe_samples: int | None = None
    first_freezing_epoch: int | None = None
    freeze: bool = Field(default=True, description="Whether neurons are frozen, or only measured.")
    coverage: Coverage | None = None


class RunContinued(FrozenModel):
    """A run that was cut off, stopped, or forked from another stands again, as it was after its newest epoch."""

    kind: Literal["run_continued"] = "run_continued"
    epoch: int = Field(description="The epoch that training continues with.")
    device: str
    versions: dict[str, str] = Field(description="Versions of Python, torch, torchvision and this program.")
    commit: str | None = Field(default=None, description="As in `run_started`.")


class RunRequeued(RenamedFieldsModel):
    """The run goes back to the queue, to continue after its newest epoch; the store says this itself."""

    kind: Literal["run_requeued"] = "run_requeued"
    reason: str
    epochs: int = Field(description="Number of finished epochs.")
    interruptions: Annotated[int, FormerName("setbacks")] = Field(
        description="How often the run was interrupted since the last finished epoch."
    )
    heard_at: datetime | None = Field(
        default=None,
        description="Time of the worker's last heartbeat before the interruption; null if it was not recorded.",
    )


class EpochProgressed(FrozenModel):
    """Progress inside an epoch, reported at most twice a second; the next report or the epoch's end replaces it."""

    kind: Literal["epoch_progressed"] = "epoch_progressed"
    epoch: int
    phase: Literal["train", "probe", "evaluate"]
    batch: int = Field(description="Finished batches of this phase.")
    batches: int
    loss: float | None = Field(description="Mean training loss of this epoch so far; null before the first batch.")
    samples_per_second: float | None


Duration = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
"""Seconds, that can be added up."""


class Seconds(FrozenModel):
    """Where an epoch's time went."""

    train: Duration
    probe: Duration
    evaluate: Duration
    record: Duration = Field(
        description="Turning what was measured into the records of this event, and for the store to take the "
        "epoch before (0 for the first)."
    )
    checkpoint: Duration = Field(default=0.0, description="Writing the epoch's checkpoint to disk.")


class CheckpointFile(FrozenModel):
    """A file from which the run can go on."""

    path: str = Field(description="Path relative to the worker's checkpoint folder.")
    size_bytes: int


class NEqMemory(FrozenModel):
    """Bytes that freezing itself kept in memory at an epoch's end, beside the network and its optimizer."""

    device: str = Field(description="Device of all tensors counted here unless stated otherwise, such as `cuda:0`.")
    former: int = Field(description="The previous epoch's network, which φ is measured against.")
    optimizer_rows: int = Field(description="Optimizer state of frozen neurons, kept until they thaw.")
    held: int = Field(description="Parameter values of frozen neurons, restored after each step.")
    outputs: int = Field(description="The previous epoch's outputs on the probe set, where they are kept.")
    outputs_on_host: bool = Field(description="Whether those outputs are in host memory instead of on the device.")
    measuring: int = Field(description="Temporary, while φ is measured: outputs of one part of the probe set.")
    at_most: int = Field(
        description="Upper bound of everything but `measuring`: the amount once every neuron that may freeze is frozen."
    )

    @property
    def total(self) -> int:
        """All that is kept from one epoch to the next."""
        return self.former + self.optimizer_rows + self.held + self.outputs


class Precision(FrozenModel):
    """What an epoch computed in: `float32`, `tf32` (float32 with products of 10 bits), `bf16` or `fp16`."""

    training: str
    evaluation: str = Field(
        description="What the test images were looked at in (with fp16 float32); weights are float32 in any case."
    )
    phi: str


class Resources(FrozenModel):
    """What an epoch cost; None where nothing answers."""

    peak_memory_bytes: int | None = Field(description="Peak memory of the training process so far.")
    peak_device_memory_bytes: int | None = Field(description="Peak GPU memory allocated by tensors so far.")
    epoch_peak_device_memory_bytes: int | None = Field(
        default=None, description="Peak GPU memory of this epoch: training, measuring φ and testing."
    )
    step_peak_device_memory_bytes: int | None = Field(
        default=None,
        description="The same of its training steps but the first and the dense ones: what freezing frees shows here.",
    )
    device_use: float | None = Field(description="Mean GPU utilization over the epoch, 0–1.")
    device_watts: float | None = Field(description="Mean GPU power in watts.")
    energy_kwh: float | None = Field(
        description="Energy used by the machine during the epoch, as estimated by codecarbon."
    )
    co2_kg: float | None = Field(
        description="Emissions of that energy with the carbon intensity of the worker's country."
    )
    neq_memory: NEqMemory | None = Field(
        default=None, description="Memory used by freezing itself; null if it was not recorded."
    )


class LayerCounts(FrozenModel):
    """Per-layer numbers of one epoch, column-wise: item i belongs to layer i."""

    applied: tuple[int, ...] = Field(description="Neurons that were not updated during this epoch, per layer.")
    frozen: tuple[int, ...] = Field(description="Neurons that will not be updated during the next epoch, per layer.")
    froze: tuple[int, ...] = Field(description="Neurons in `frozen` but not in `applied`: newly frozen.")
    thawed: tuple[int, ...] = Field(
        description="Neurons in `applied` but not in `frozen`: updated again from the next epoch on."
    )
    phi_mean: tuple[float | None, ...]
    speed_mean: tuple[float | None, ...] = Field(description="Mean of |v|.")
    velocity_histogram: tuple[tuple[int, ...] | None, ...] = Field(
        description="Counts in the 39 bins of the velocity histogram; null while there is no velocity."
    )
    dead: tuple[int, ...] | None = Field(
        default=None, description="Dead neurons: all their outputs on the probe set are 0."
    )
    churning: tuple[int, ...] | None = Field(
        default=None,
        description="Churning neurons: at equilibrium by the rule, yet changing at an even pace (φ below 0.9).",
    )
    beyond: tuple[int, ...] | None = Field(
        default=None,
        description="Neurons frozen without being at equilibrium by the rule, such as by random choice.",
    )
    plans: PlanChanges | None = Field(default=None, description="Null if it was not recorded.")


class Group(FrozenModel):
    """Several layers' neurons as one, after one epoch."""

    name: str
    neurons: int
    phi: float | None = Field(
        description="Cosine similarity of the group's outputs, taken together, with those of the previous epoch."
    )
    divergence: float | None = Field(
        default=None, description="1 − φ, from which decisions are computed; null where it was not recorded."
    )
    velocity: float | None
    settled: bool = Field(description="Whether the group is at equilibrium by the rule.")


@dataclass(frozen=True, slots=True)
class LayerSnapshot:
    """One layer's neurons after one epoch, as bytes that rest in the store and never travel in an event's JSON."""

    index: int
    neurons: int
    divergence: bytes | None
    """1 − φ: float32, little-endian, one value a neuron."""
    velocity: bytes | None
    """float32, little-endian, one value a neuron; None while it needs another epoch."""
    applied: bytes
    """Bits, first neuron in the highest bit of the first byte (numpy.packbits)."""
    frozen: bytes
    """The same, decided at the epoch's end."""
    phi: bytes | None = None
    """In the place of `divergence`, where a version recorded the epoch that kept φ itself."""


class EpochFinished(RenamedFieldsModel):
    """An epoch is over: trained, probed, evaluated, decided."""

    kind: Literal["epoch_finished"] = "epoch_finished"
    epoch: Epoch
    # None in each of these: an external run, which has metrics of its own.
    learning_rate: float | None = Field(
        description="Learning rate of this epoch; that of its first step if it changes within the epoch."
    )
    train_loss: float | None = Field(description="Training loss, including label smoothing and auxiliary heads.")
    train_accuracy: float | None = Field(
        description="Accuracy on the training images (in segmentation: on their pixels), 0–1."
    )
    test_loss: float | None = Field(
        description="Cross-entropy on the test images (in segmentation: on their pixels), in nats."
    )
    test_accuracy: float | None
    scores: dict[str, float] = Field(
        default_factory=dict, description="Further metrics on the test images, 0–1: `top5`; in segmentation `miou`."
    )
    applied_fraction: Annotated[float, FormerName("applied_share")] = Field(
        description="Fraction of all watched neurons that were not updated during this epoch, 0–1."
    )
    frozen_fraction: Annotated[float, FormerName("frozen_share")] = Field(
        description="Fraction of all watched neurons that will not be updated during the next epoch, 0–1."
    )
    beyond_fraction: Annotated[float | None, FormerName("beyond_share")] = Field(
        default=None,
        description="Fraction of all watched neurons that are frozen without being at equilibrium by the rule, 0–1.",
    )
    layers: LayerCounts
    groups: tuple[Group, ...] = Field(default=(), description="Groups of neurons, if the run's config asks for them.")
    seconds: Seconds
    checkpoint: CheckpointFile | None = Field(
        default=None, description="The checkpoint written after the epoch; null if the run keeps none."
    )
    samples_per_second: float | None = Field(default=None, description="Training samples per second of training.")
    samples: int | None = Field(default=None, description="Training samples of this epoch.")
    cpu_seconds: float | None = Field(
        default=None, description="CPU time of the training process while it trained, all threads together."
    )
    device_seconds: float | None = Field(
        default=None, description="Seconds of training by the GPU's clock; null on a CPU."
    )
    # None in each of these: an older program, which did not record it.
    resources: Resources | None = Field(default=None, description="Memory, power and energy, where they were measured.")
    precision: Precision | None = Field(default=None, description="Number formats of training, evaluation and φ.")
    step_ms: StepTimes | None = Field(default=None, description="Measured milliseconds per batch, by part of the step.")
    flops: StepFlops | None = Field(default=None, description="FLOPs of a training step per image, counted.")
    saving: Saving | None = Field(
        default=None,
        description="What freezing saved of a step: counted, and either measured or the reason why it was not.",
    )
    snapshots: tuple[LayerSnapshot, ...] = Field(default=(), exclude=True, repr=False)


class Logged(FrozenModel):
    """Lines of the run's log: what the training process printed, or the worker has to say."""

    kind: Literal["logged"] = "logged"
    level: Literal["info", "warning", "error"] = "info"
    text: str = Field(max_length=65_536)


class RunFinished(RenamedFieldsModel):
    """All epochs are trained, or as many as there was time for."""

    kind: Literal["run_finished"] = "run_finished"
    epochs: Epoch
    reason: str | None = Field(
        default=None, description="Why the run ended before its last planned epoch; null if it did not."
    )
    test_accuracy: float | None = Field(ge=0, le=1)
    frozen_fraction: Annotated[float | None, FormerName("frozen_share")] = Field(ge=0, le=1)
    seconds: float = Field(ge=0)


class RunStopped(FrozenModel):
    """Somebody asked for the run to stop, and it did."""

    kind: Literal["run_stopped"] = "run_stopped"
    epochs: Epoch = Field(description="Number of epochs that were finished before.")
    reason: str


class RunFailed(FrozenModel):
    """The run could not go on."""

    kind: Literal["run_failed"] = "run_failed"
    reason: str = Field(description="What happened, in one sentence.")
    remedy: str | None = Field(default=None, description="What to do about it, in one sentence.")
    details: str = Field(default="", description="The last lines of its log.")


Event = Annotated[
    RunStarted
    | WatchStarted
    | MetricsLogged
    | RunContinued
    | RunRequeued
    | EpochProgressed
    | EpochFinished
    | Logged
    | RunFinished
    | RunStopped
    | RunFailed,
    Field(discriminator="kind"),
]
END_KINDS = frozenset({"run_finished", "run_stopped", "run_failed"})

_event: TypeAdapter[Event] = TypeAdapter(Event)


def parse_event(payload: dict[str, Any]) -> Event:
    """The event that `event.model_dump(mode="json")` wrote; its snapshots stay empty.

    Raises:
        pydantic.ValidationError: no known kind, or its fields are not the kind's own.
    """
    return _event.validate_python(payload)
