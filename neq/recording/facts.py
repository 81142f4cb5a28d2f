"""What the training's thread tells the recorder's: small, made in microseconds, and its own."""

from dataclasses import dataclass, field
from typing import Any

from neq.recording.scalars import Number
from neq.recording.watch_epoch import WatchEpoch


@dataclass(slots=True)
class Points:
    """One number under each of some names.

    Attributes:
        time: Unix seconds.
    """

    values: dict[str, Number]
    step: int
    epoch: int | None
    time: float


@dataclass(slots=True)
class Said:
    """An event that is complete.

    Attributes:
        time: Unix seconds.
        vital: the run cannot be read without it.
    """

    event: dict[str, Any]
    time: float
    vital: bool = True


@dataclass(slots=True)
class Progress:
    """How far an epoch has come; the next one takes its place."""

    event: dict[str, Any]
    time: float


@dataclass(slots=True)
class EpochEnded:
    """An epoch that all watches ended.

    Attributes:
        watches: what each found.
        layers: how many are announced by now.
        train_seconds: from the end of the epoch before to this one's.
        time: Unix seconds.
    """

    epoch: int
    watches: list[WatchEpoch]
    layers: int
    train_seconds: float
    time: float
    samples: int | None = None


@dataclass(slots=True)
class Printed:
    """Text that the process printed, as it came."""

    text: str
    stream: str


@dataclass(slots=True)
class Closing:
    """The last fact of a run: its end, if it is to be told."""

    said: list[Said] = field(default_factory=list)


Fact = Points | Said | Progress | EpochEnded | Printed | Closing
