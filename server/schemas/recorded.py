"""What a run recorded: layers, epochs, log."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from contract.costs import PlanKind
from contract.data_report import DataFound
from contract.events import EpochFinished, LayerCounts
from contract.layers import Coverage, Layer
from server.schemas.base import Answer


class Watch(Answer):
    """A network that an external run watches."""

    name: str | None = Field(description="Null for the run's only one.")
    first: int = Field(description="Index of its first layer; the others follow.")
    layers: int
    epsilon: float
    mu: float
    freeze: bool = Field(description="Whether neurons are frozen, or only measured.")


class Layers(Answer):
    """The watched layers in forward order; empty until the run has started."""

    layers: list[Layer]
    watches: list[Watch] = Field(description="Of an external run; empty for a launched one.")


class RunCoverage(Answer):
    """How much of the network is watched."""

    coverage: Coverage | None = Field(
        description="Null before the run has started, and for runs that did not record it."
    )


class Start(Answer):
    """A run's program, as it told when it started; null for what it did not tell."""

    device: str
    versions: dict[str, str]
    commit: str | None = Field(description="Git commit, with `-dirty` if files were modified.")
    command: str | None = Field(description="Command line of an external run.")
    script: str | None = Field(description="Name of its Python file.")
    host: str | None
    pid: int | None
    warnings: list[str] | None


class RunStart(Answer):
    """What a run said of its program when it started."""

    started: Start | None = Field(description="Null before the run has started.")


class RunData(Answer):
    """What a run found in its data."""

    data: DataFound | None = Field(
        description="Null before the run has started, and for runs recorded by a version without it."
    )


class Epoch(EpochFinished):
    """One finished epoch: its event under the event's number."""

    seq: int
    at: datetime
    kind: Literal["epoch_finished"]
    # The store keeps null for a number that is not finite, since JSON has none.
    train_loss: float | None
    train_accuracy: float | None
    test_loss: float | None
    test_accuracy: float | None
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
