"""What the parts in a folder tell of a run that no server has: where a training that is taken up again goes on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from neq.recording.part import unpack_part
from neq.recording.spool import SpooledPart
from neq.recording.system_metrics import SYSTEM
from neq.recording.watches import LayerKey


@dataclass(frozen=True)
class Left:
    """A run as its folder has it.

    Attributes:
        last_seq: number of its last event.
        last_step: the greatest of what the script logged; None where it logged nothing.
        last_sample: the greatest step of the machine's samples; None where there are none.
        epochs_done: which it has recorded.
        layers: that it has announced, in order.
        epochs: planned; None where that was not told.
    """

    last_seq: int
    last_step: int | None
    last_sample: int | None
    epochs_done: int
    layers: tuple[LayerKey, ...]
    epochs: int | None

    @classmethod
    def read(cls, parts: Iterable[SpooledPart]) -> Self:
        """Reads all parts.

        Raises:
            ValueError: it is not all of the run.
            OSError: they cannot be read.
        """
        expected, epochs_done = 1, 0
        planned: int | None = None
        last_step: int | None = None
        last_sample: int | None = None
        layers: list[LayerKey] = []
        for line in _lines(parts):
            if line["seq"] != expected:
                raise ValueError("a part of it is not there: it was sent, and a server alone knows what the run has")
            expected += 1
            event = line["event"]
            if event["kind"] == "run_started":
                planned = event.get("epochs")
            elif event["kind"] == "watch_started":
                layers += [(str(layer["name"]), int(layer["neurons"])) for layer in event["layers"]]
            elif event["kind"] == "metrics_logged":
                last_step = _greatest(last_step, event, of_machine=False)
                last_sample = _greatest(last_sample, event, of_machine=True)
            elif event["kind"] == "epoch_finished":
                epochs_done = int(event["epoch"]) + 1
        if expected == 1:
            raise ValueError("nothing of it is there")
        return cls(expected - 1, last_step, last_sample, epochs_done, tuple(layers), planned)


def _greatest(last: int | None, event: dict[str, Any], *, of_machine: bool) -> int | None:
    """The greatest step with this event's, of what the script logged or of the machine's samples."""
    told = (series["steps"] for series in event["series"] if series["name"].startswith(SYSTEM) == of_machine)
    steps = [step for each in told for step in each]
    return max(steps if last is None else [last, *steps], default=None)


def _lines(parts: Iterable[SpooledPart]) -> Iterator[dict[str, Any]]:
    for part in parts:
        yield from unpack_part(part.read()).lines
