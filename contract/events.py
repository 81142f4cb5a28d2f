"""What a run says, from its start to its end: frozen facts in the past tense, told apart by `kind`.

The engine yields them, the worker appends them, the store numbers them, the API serves them, the browser listens.
Epochs are counted from 0. Shares and accuracies lie in 0–1, durations are seconds. A value that does not exist yet is
None, never 0. The masks are two facts: `applied` held during the epoch, `frozen` was decided at its end and holds
during the next one. This module imports pydantic alone.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from contract.base import FrozenModel
from contract.costs import PlanChanges, Saving, StepFlops, StepTimes
from contract.data_report import DataFound

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


class Layer(FrozenModel):
    """A layer that is watched, in forward order."""

    index: int = Field(ge=0, description="Place in forward order, from 0; names the layer in URLs.")
    name: str = Field(description="The module's name in the network, such as `stages.0.conv1`.")
    type: str = Field(description="The module's class, such as `Conv2d`.")
    neurons: int = Field(ge=1)
    parameters: int = Field(ge=0)


class UnwatchedModule(FrozenModel):
    """A module with parameters that belong to no watched neuron."""

    name: str = Field(description="Its name in the network; empty: the network itself.")
    type: str = Field(description="Its class, such as `Embedding`.")
    parameters: int = Field(ge=0, description="Trainable parameters that are not watched.")
    reason: str = Field(description="Why, in a sentence.")


class Coverage(FrozenModel):
    """How much of the network is watched: freezing can be decided for this part of it alone."""

    parameters: int = Field(ge=0, description="Trainable parameters of the whole network; shared ones count once.")
    watched: int = Field(ge=0, description="Those of them that belong to watched neurons.")
    fraction: float = Field(ge=0, le=1, description="Watched over all.")
    unwatched: tuple[UnwatchedModule, ...] = Field(
        default=(), description="Modules with parameters that are not watched, most parameters first; 100 at most."
    )
    more_modules: int = Field(default=0, ge=0, description="Such modules beyond those listed.")
    more_parameters: int = Field(default=0, ge=0, description="Parameters that are not watched in those.")


class RunStarted(FrozenModel):
    """The network stands, the data are there; training begins."""

    kind: Literal["run_started"] = "run_started"
    layers: tuple[Layer, ...]
    neurons: int
    parameters: int = Field(description="Trainable parameters of the whole network, watched or not.")
    device: str = Field(description="As a person names it: `CPU, 2 threads` or `NVIDIA H200`.")
    epochs: int
    batches_per_epoch: int
    train_samples: int
    test_samples: int
    probe_samples: int
    first_freezing_epoch: int | None = Field(
        description="First epoch whose updates a decided mask can withhold; None: the rule never freezes."
    )
    task: Literal["classification", "segmentation"] = Field(
        default="classification", description="What is asked of the network: a class an image, or a class a pixel."
    )
    data: DataFound | None = Field(
        default=None, description="What was found in the data; null: an older program did not look."
    )
    versions: dict[str, str] = Field(description="Python, torch, torchvision and this program.")
    commit: str | None = Field(
        default=None, description="git's name for the program's code, `-dirty` where it was changed; None: no checkout."
    )
    warnings: tuple[str, ...] = Field(default=(), description="Why nothing will be frozen, if so, in sentences.")
    coverage: Coverage | None = Field(default=None, description="None: the run does not tell.")


class RunContinued(FrozenModel):
    """A run that was cut off, stopped, or forked from another stands again, as it was after its newest epoch."""

    kind: Literal["run_continued"] = "run_continued"
    epoch: int = Field(description="The one that is trained now.")
    device: str
    versions: dict[str, str] = Field(description="Python, torch, torchvision and this program.")
    commit: str | None = Field(default=None, description="As in `run_started`.")


class RunRequeued(FrozenModel):
    """The run goes back to the queue, to continue after its newest epoch; the store says this itself."""

    kind: Literal["run_requeued"] = "run_requeued"
    reason: str
    epochs: int = Field(description="Epochs that are finished.")
    setbacks: int = Field(description="How often it was cut off since the newest of them.")
    heard_at: datetime | None = Field(
        default=None, description="When its worker was last heard: it was trained until then. None: no record of it."
    )


class EpochProgressed(FrozenModel):
    """Progress inside an epoch, reported at most twice a second; the next report or the epoch's end replaces it."""

    kind: Literal["epoch_progressed"] = "epoch_progressed"
    epoch: int
    phase: Literal["train", "probe", "evaluate"]
    batch: int = Field(description="Batches of this phase that are done.")
    batches: int
    loss: float | None = Field(description="Mean training loss of this epoch so far; None before the first batch.")
    samples_per_second: float | None


class Seconds(FrozenModel):
    """Where an epoch's time went."""

    train: float
    probe: float
    evaluate: float
    record: float = Field(
        description="Turning what was measured into the records of this event, and for the store to take the "
        "epoch before (0 for the first)."
    )
    checkpoint: float = Field(default=0.0, description="Writing the epoch's checkpoint to the disk.")


class CheckpointFile(FrozenModel):
    """A file from which the run can go on."""

    path: str = Field(description="Below the worker's folder of checkpoints.")
    size_bytes: int


class NEqMemory(FrozenModel):
    """Bytes that freezing itself kept in memory at an epoch's end, beside the network and its optimizer."""

    device: str = Field(description="Where all lies that is not said to be elsewhere, such as `cuda:0`.")
    former: int = Field(description="Last epoch's network, which φ is measured against.")
    optimizer_rows: int = Field(description="The optimizer's state of neurons when they froze, for when they thaw.")
    held: int = Field(description="The values that frozen neurons are put back to after each step.")
    outputs: int = Field(description="Last epoch's outputs on the probe set, where they are kept.")
    outputs_on_host: bool = Field(description="Whether these are in host memory instead of on the device.")
    measuring: int = Field(description="Passing, while φ is measured: the outputs of a portion of the probe set.")
    at_most: int = Field(description="What all but `measuring` comes to once every neuron that may freeze is frozen.")

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

    peak_memory_bytes: int | None = Field(description="Most memory that the training process has had so far.")
    peak_device_memory_bytes: int | None = Field(description="Most of the GPU's memory that its tensors had so far.")
    epoch_peak_device_memory_bytes: int | None = Field(
        default=None, description="The same of this epoch: training, measuring and testing."
    )
    step_peak_device_memory_bytes: int | None = Field(
        default=None,
        description="The same of its training steps but the first and the dense ones: what freezing frees shows here.",
    )
    device_use: float | None = Field(description="Mean share of the epoch in which the GPU was busy.")
    device_watts: float | None = Field(description="The GPU's mean power.")
    energy_kwh: float | None = Field(description="The machine's energy over the epoch, as codecarbon estimates it.")
    co2_kg: float | None = Field(description="From that energy, by the electricity of the worker's country.")
    neq_memory: NEqMemory | None = Field(
        default=None, description="What of the memory freezing itself took. None: the run does not tell."
    )


class LayerCounts(FrozenModel):
    """Per-layer numbers of one epoch, column-wise: item i belongs to layer i."""

    applied: tuple[int, ...] = Field(description="Neurons that were not updated during this epoch.")
    frozen: tuple[int, ...] = Field(description="Neurons that will not be updated in the next one.")
    froze: tuple[int, ...] = Field(description="Frozen now and not applied: they stop.")
    thawed: tuple[int, ...] = Field(description="Applied and not frozen now: they move again.")
    phi_mean: tuple[float | None, ...]
    speed_mean: tuple[float | None, ...] = Field(description="Mean of |v|.")
    velocity_histogram: tuple[tuple[int, ...] | None, ...] = Field(
        description="Counts in the 39 bins between VELOCITY_EDGES; None while there is no velocity."
    )
    dead: tuple[int, ...] | None = Field(default=None, description="Neurons whose outputs on the probe set are all 0.")
    churning: tuple[int, ...] | None = Field(
        default=None, description="Neurons at equilibrium by the rule that go on changing at an even pace: φ below 0.9."
    )
    beyond: tuple[int, ...] | None = Field(
        default=None,
        description="Frozen now though the rule does not find them at equilibrium: by another choice alone.",
    )
    plans: PlanChanges | None = Field(default=None, description="None: the run does not tell.")


class Group(FrozenModel):
    """Several layers' neurons as one, after one epoch."""

    name: str
    neurons: int
    phi: float | None = Field(description="Cosine of all their outputs together with those of one epoch earlier.")
    velocity: float | None
    settled: bool = Field(description="Whether the rule finds the group at equilibrium.")


@dataclass(frozen=True, slots=True)
class LayerSnapshot:
    """One layer's neurons after one epoch, as bytes that rest in the store and never travel in an event's JSON."""

    index: int
    neurons: int
    phi: bytes | None
    """float32, little-endian, one value a neuron."""
    velocity: bytes | None
    """float32, little-endian, one value a neuron; None while it needs another epoch."""
    applied: bytes
    """Bits, first neuron in the highest bit of the first byte (numpy.packbits)."""
    frozen: bytes
    """The same, decided at the epoch's end."""


class EpochFinished(FrozenModel):
    """An epoch is over: trained, probed, evaluated, decided."""

    kind: Literal["epoch_finished"] = "epoch_finished"
    epoch: int
    learning_rate: float = Field(description="That this epoch was trained with; at its first step, where it moves.")
    train_loss: float = Field(description="As training saw it, label smoothing and auxiliary heads included.")
    train_accuracy: float = Field(description="Share of the images, in segmentation of the pixels, that were met.")
    test_loss: float = Field(description="Cross-entropy in nats, of the test images or their pixels.")
    test_accuracy: float
    scores: dict[str, float] = Field(
        default_factory=dict, description="Further scores on the test images, 0–1: `top5`; `miou` in segmentation."
    )
    applied_share: float = Field(description="Of all watched neurons, those not updated during this epoch.")
    frozen_share: float = Field(description="Of all watched neurons, those not updated in the next one.")
    beyond_share: float | None = Field(
        default=None,
        description="Of all watched neurons, those frozen though the rule does not find them at equilibrium.",
    )
    layers: LayerCounts
    groups: tuple[Group, ...] = Field(default=(), description="Where the run's description asks for groups.")
    seconds: Seconds
    checkpoint: CheckpointFile | None = Field(
        default=None, description="What was written after it. None: the run leaves no checkpoints."
    )
    samples_per_second: float | None = Field(
        default=None, description="Training samples, over the seconds of training."
    )
    # None in each of these: an older program, which did not record it.
    resources: Resources | None = Field(default=None, description="Memory, power and energy, where measured.")
    precision: Precision | None = Field(default=None, description="What training, evaluation and φ were computed in.")
    step_ms: StepTimes | None = Field(default=None, description="What a batch took, measured part by part.")
    flops: StepFlops | None = Field(default=None, description="Counted operations of a step on one image.")
    saving: Saving | None = Field(
        default=None, description="What of a step was saved: counted, and measured or why that cannot be told."
    )
    snapshots: tuple[LayerSnapshot, ...] = Field(default=(), exclude=True, repr=False)


class Logged(FrozenModel):
    """Lines of the run's log: what the training process printed, or the worker has to say."""

    kind: Literal["logged"] = "logged"
    level: Literal["info", "warning", "error"] = "info"
    text: str = Field(max_length=65_536)


class RunFinished(FrozenModel):
    """All epochs are trained."""

    kind: Literal["run_finished"] = "run_finished"
    epochs: int
    test_accuracy: float
    frozen_share: float
    seconds: float


class RunStopped(FrozenModel):
    """Somebody asked for the run to stop, and it did."""

    kind: Literal["run_stopped"] = "run_stopped"
    epochs: int = Field(description="Epochs that were finished before.")
    reason: str


class RunFailed(FrozenModel):
    """The run could not go on."""

    kind: Literal["run_failed"] = "run_failed"
    reason: str = Field(description="One sentence: what happened.")
    remedy: str | None = Field(default=None, description="One sentence: what to do.")
    details: str = Field(default="", description="The last lines of its log.")


Event = Annotated[
    RunStarted
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
