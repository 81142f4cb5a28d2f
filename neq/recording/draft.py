"""The part that is being filled: facts in, numbered lines out."""

import math
from typing import Any

from neq.recording.description import non_finite
from neq.recording.epoch import arrays_of, epoch_event
from neq.recording.facts import EpochEnded, Points, Progress, Said
from neq.recording.part import MOST_LINES, encoded, numbered
from neq.recording.scalars import MOST_VALUES, read_number

POINTS_A_LINE = 1_000
"""Of as many metrics at most, which is what a line may have; and it bounds how long one takes to write: Python's JSON
writer lets nothing else run meanwhile."""
MOST_POINTS = 20_000
_MOST_SAID = MOST_LINES - 2 - (MOST_POINTS + MOST_VALUES) // POINTS_A_LINE - 1


class Draft:
    """Facts that are not in a part yet.

    Attributes:
        since: time.monotonic() of the first; None while there is none.
    """

    def __init__(self) -> None:
        self.since: float | None = None
        self._said: list[tuple[float, dict[str, Any]]] = []
        self._points: list[Points] = []
        self._numbers = 0
        self._progress: Progress | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self._said and not self._points and self._progress is None

    @property
    def is_full(self) -> bool:
        """Whether a part must be closed before more comes in; an epoch and the points before it still fit."""
        return len(self._said) >= _MOST_SAID or self._numbers >= MOST_POINTS

    def add(self, fact: Said | Points | Progress, now: float) -> None:
        """Takes a fact.

        Args:
            now: time.monotonic().
        """
        self.since = now if self.since is None else self.since
        if isinstance(fact, Points):
            self._points.append(fact)
            self._numbers += len(fact.values)
        elif isinstance(fact, Progress):
            self._progress = fact
        else:
            self._said.append((fact.time, fact.event))

    def lines(self, first: int, ended: EpochEnded | None) -> tuple[list[bytes], bytes]:
        """Everything as lines, numbered from `first` on, and the arrays of the epoch that ended, which is the last."""
        told = self._metrics()
        if ended is None and self._progress is not None:
            told.append((self._progress.time, self._progress.event))
        told += self._said  # last, for nothing may follow the run's end
        lines = [encoded(numbered(first + place, *one)) for place, one in enumerate(told)]
        if ended is None:
            return lines, b""
        table, arrays = arrays_of(ended.watches)
        last = numbered(first + len(told), ended.time, epoch_event(ended)) | {"snapshots": table}
        return [*lines, encoded(last)], arrays

    def _metrics(self) -> list[tuple[float, dict[str, Any]]]:
        events: list[tuple[float, dict[str, Any]]] = []
        series: dict[str, dict[str, Any]] = {}
        count = 0
        for points in self._points:
            for name, value in points.values.items():
                number = read_number(value)
                if number is None:
                    continue
                if count == POINTS_A_LINE:
                    events.append((points.time, {"kind": "metrics_logged", "series": list(series.values())}))
                    series, count = {}, 0
                count += 1
                column = series.setdefault(name, {"name": name, "steps": [], "epochs": [], "times": [], "values": []})
                column["values"].append(number if math.isfinite(number) else non_finite(number))
                column["steps"].append(points.step)
                column["epochs"].append(points.epoch)
                column["times"].append(points.time)
        if series:
            events.append((self._points[-1].time, {"kind": "metrics_logged", "series": list(series.values())}))
        return events
