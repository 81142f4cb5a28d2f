"""What `metrics_logged` said, put together again: its event rests with the numbers of points alone."""

import json
import math
from collections import defaultdict
from typing import Any

from db import MetricPoints, Store

AT_ONCE = 65_536
"""Points of a metric that are read ahead."""


class LoggedMetrics:
    """Follows a run's events in their order, and gives each its points."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store, self._run_id = store, run_id
        self._given: defaultdict[str, int] = defaultdict(int)
        self._ahead: dict[str, tuple[int, MetricPoints]] = {}

    def whole(self, text: str) -> str:
        """The event's JSON with its points, from that with their numbers."""
        event = json.loads(text)
        event["series"] = [self._series(each["name"], each["points"]) for each in event["series"]]
        return json.dumps(event)

    def _series(self, name: str, number: int) -> dict[str, Any]:
        first = self._given[name]
        self._given[name] = first + number
        points = self._points(name, first, number)
        return {
            "name": name,
            "steps": points.steps.tolist(),
            "epochs": [None if epoch < 0 else epoch for epoch in points.epochs.tolist()],
            "times": points.times.tolist(),
            "values": [value if math.isfinite(value) else _word(value) for value in points.values.tolist()],
        }

    def _points(self, name: str, first: int, number: int) -> MetricPoints:
        begins, ahead = self._ahead.get(name, (0, None))
        if ahead is None or first + number > begins + ahead.steps.size:
            stop = first + max(number, AT_ONCE)
            begins, ahead = first, self._store.metric_points(self._run_id, name, first, stop)
            self._ahead[name] = begins, ahead
        return ahead.cut(first - begins, first - begins + number)


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
