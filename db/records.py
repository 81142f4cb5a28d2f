"""What goes into the store and what comes out: frozen, and without a word of SQL.

Datetimes are aware, and UTC on the way out. Epochs and layer indices count from 0. Fractions and accuracies lie in 0–1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

RunState = Literal["queued", "running", "finished", "stopped", "failed"]
CheckState = Literal["pending", "running", "ok", "failed", "unknown"]
"""`unknown`: the worker could not tell, for a reason that its answer names."""
EndState = Literal["finished", "stopped", "failed"]
RunSource = Literal["launched", "external"]
Field = Literal["phi", "divergence", "velocity", "applied", "frozen"]

END_STATES: frozenset[str] = frozenset({"finished", "stopped", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as it stands."""

    id: str
    name: str
    notes: str
    tags: tuple[str, ...]
    config: dict[str, Any]
    state: RunState
    reason: str | None
    """Why it ended as it did, in a sentence."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    stop_requested: bool
    source: RunSource
    group: str | None
    writer_id: str | None
    """Who may tell of it: its worker, or the recorder of an external run."""
    writer_seq: int
    """The newest event by the numbers of its recorder; 0 for a launched run."""
    heartbeat_at: datetime | None
    """When its worker was last heard, by the database's clock."""
    device: str | None
    epochs_planned: int | None
    """None: an external run that has not said."""
    epochs_done: int
    last_seq: int
    revision: int
    """Rises with every change that a reader can see; a mere heartbeat is none."""
    test_accuracy: float | None
    best_test_accuracy: float | None
    frozen_fraction: float | None
    """Of all watched neurons, those that the newest epoch decided not to update."""
    neurons: int | None
    progress: dict[str, Any] | None
    """The newest `epoch_progressed`; None outside an epoch."""
    parent_id: str | None
    """The run that it was forked from, which may be gone."""
    parent_epoch: int | None
    """The epoch after which it was forked."""
    checkpoint_store: str | None
    """Where its checkpoints are; None while it has none."""
    checkpoint_epoch: int | None
    """The newest epoch that a checkpoint is kept of."""
    interruptions: int
    """How often it was interrupted since its newest epoch."""
    priority: int = 0
    """Of a queued run, from -10, the last, to 10."""
    held: bool = False
    """Workers pass it over while it is queued."""
    queue_rank: float = 0.0
    """Of queued runs the lowest is next."""
    archived: bool = False
    cost_key: str | None = None
    """Runs of one key take as long an epoch."""
    warnings: tuple[dict[str, Any], ...] = ()
    """What was doubtful about it at its launch: field and message of each."""

    @property
    def can_resume(self) -> bool:
        """Whether we could train it from where its records end: there is a checkpoint of it, or nothing yet."""
        return self.source == "launched" and (self.epochs_done == 0 or self.checkpoint_epoch == self.epochs_done - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """What a run is made with."""

    config: Mapping[str, Any]
    epochs_planned: int | None
    name: str = ""
    notes: str = ""
    tags: Iterable[str] = ()
    group: str | None = None
    source: RunSource = "launched"
    priority: int = 0
    held: bool = False
    cost_key: str | None = None
    warnings: Iterable[dict[str, Any]] = ()
    """What is doubtful about it: `field` and `message` of each."""


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that have a name in common."""

    name: str
    runs: int
    newest_at: datetime
    states: dict[str, int]
    """How many of them are in each state."""


@dataclass(frozen=True, slots=True)
class View:
    """A named view of a page."""

    id: str
    page: str
    name: str
    query: str
    """As in the page's address, without its question mark."""
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of runs, newest first."""

    items: list[Run]
    next: str | None
    """The cursor of the page after this one; None on the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A process that trains."""

    id: str
    name: str
    host: str
    pid: int
    device: str
    slots: int
    started_at: datetime
    heard_at: datetime
    capabilities: dict[str, Any] | None = None
    """The data sets, weights, devices and memory that it has; None: it has not said yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A run's description that a worker tries before it is launched."""

    id: str
    config: dict[str, Any]
    workers: tuple[str, ...]
    """Those that may take it."""
    state: CheckState
    asked_at: datetime
    worker_id: str | None
    begun_at: datetime | None
    ended_at: datetime | None
    answer: dict[str, Any] | None


NOT_WATCHED = -1
"""In place of a layer's count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochScalars:
    """What the store itself must know of a finished epoch, to answer without reading its event."""

    epoch: int
    learning_rate: float | None
    train_loss: float | None
    train_accuracy: float | None
    test_loss: float | None
    test_accuracy: float | None
    applied_fraction: float | None
    frozen_fraction: float | None
    frozen_counts: tuple[int, ...]
    """Neurons a layer, decided at the epoch's end; NOT_WATCHED where nobody watched the layer."""
    samples: int | None = None
    """Trained on in this epoch; this and what follows is None where it is not known."""
    train_seconds: float | None = None
    cpu_seconds: float | None = None
    device_seconds: float | None = None
    flops_forward: float | None = None
    flops_inputs: float | None = None
    flops_weights: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One layer's neurons after one epoch."""

    layer: int
    neurons: int
    divergence: bytes | None
    """1 − φ: float32, little-endian, one value a neuron."""
    velocity: bytes | None
    """The same; None while there is none yet."""
    applied: bytes
    """Bits, first neuron in the highest bit of the first byte (numpy.packbits)."""
    frozen: bytes
    phi: bytes | None = None
    """In the place of 1 − φ, where a version recorded the epoch that kept φ itself."""


@dataclass(frozen=True, slots=True, eq=False)
class MetricPoints:
    """Points of one metric in the order in which they were told; every array is (N,)."""

    name: str
    steps: npt.NDArray[np.int64]
    epochs: npt.NDArray[np.int32]
    """−1: told without an epoch."""
    times: npt.NDArray[np.float64]
    """Seconds since 1970."""
    values: npt.NDArray[np.float64]
    """NaN and infinities are values too."""

    def cut(self, start: int, stop: int | None = None) -> "MetricPoints":
        """Those from one place up to before another."""
        return self.where(slice(start, stop))

    def where(self, chosen: slice | npt.NDArray[np.bool_]) -> "MetricPoints":
        """Those at some of the places."""
        columns = {name: getattr(self, name)[chosen] for name in ("steps", "epochs", "times", "values")}
        return MetricPoints(self.name, **columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric of a run as it stands."""

    name: str
    points: int
    last: float | None
    """None: not finite."""
    last_step: int
    last_epoch: int | None
    minimum: float | None
    """Of the finite values; None where there is none."""
    maximum: float | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file from which a run can be trained on."""

    epoch: int
    """The last one that is trained in it."""
    path: str
    """Below its checkpoint store."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RetainedCheckpoints:
    """All checkpoints of a run that are kept from now on, and the checkpoint store that they are in."""

    checkpoint_store: str
    checkpoints: tuple[Checkpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """One thing that a run said, with all that is stored because of it, in one transaction.

    A record of kind `epoch_progressed` replaces the run's former one. One of kind `run_started` names the layers under
    `payload["layers"]` and their neurons' number under `payload["neurons"]`.
    """

    kind: str
    payload: dict[str, Any]
    """JSON. Numbers that are not finite are stored as None, for JSON has none."""
    at: datetime
    ends: EndState | None = None
    reason: str | None = None
    device: str | None = None
    epoch: EpochScalars | None = None
    snapshots: tuple[Snapshot, ...] = ()
    points: tuple[MetricPoints, ...] = ()
    kept: RetainedCheckpoints | None = None
    """Where it changes which checkpoints are kept."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One thing that a run said, under its number."""

    seq: int
    at: datetime
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredText:
    """One thing that a run said, as the JSON that is stored: for who hands it on and need not look into it."""

    seq: int
    at: datetime
    kind: str
    text: str
    """The payload; an object, without characters beyond ASCII."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """Something that started, interrupted, resumed or ended a run."""

    seq: int
    at: datetime
    """By the clock of who said it."""
    kind: str
    payload: dict[str, Any]
    """Empty but for `run_continued` and `run_requeued`."""


@dataclass(frozen=True, slots=True)
class LayerHistory:
    """One field of one layer over epochs."""

    epochs: npt.NDArray[np.int32]
    """(E,), rising."""
    neurons: int
    values: npt.NDArray[Any]
    """(E, neurons): float32 with NaN where a value does not exist, or bool."""

    def rows(self, first: int, stop: int) -> npt.NDArray[Any]:
        """(stop - first, neurons), a row for each epoch: of NaN or False where nothing was recorded.

        An external run may lack an epoch, and a layer that is watched later the first ones.
        """
        if len(self.epochs) == stop - first:
            return self.values
        nothing = False if self.values.dtype == np.bool_ else np.nan
        whole = np.full((stop - first, self.neurons), nothing, self.values.dtype)
        whole[self.epochs - first] = self.values
        return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One neuron over epochs; every array is (E,)."""

    epochs: npt.NDArray[np.int32]
    phi: npt.NDArray[np.float32]
    """NaN where there is no value."""
    velocity: npt.NDArray[np.float32]
    applied: npt.NDArray[np.bool_]
    frozen: npt.NDArray[np.bool_]
