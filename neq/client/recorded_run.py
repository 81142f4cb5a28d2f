"""A run as a server has it recorded."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, overload

import numpy as np

from neq.client.connection import Connection
from neq.client.errors import ClientError, UnknownLayer, UnknownMetric, listed
from neq.client.figure import Of, figure
from neq.client.metrics import Metric, Metrics
from neq.client.recorded_layer import Floats, RecordedLayer
from neq.display.html import Shown, html

NEEDED = ("id", "name", "state", "config", "epochs_done")
"""Fields without which an answer is no run."""


class RecordedRun:
    """A run, launched or recorded by a script, as it stood when the client was asked for it.

    Attributes:
        id: ten characters.
        name, notes, tags, group: as it was described; group is None where it has none.
        config: what it was started with.
        state: `queued`, `running`, `finished`, `stopped` or `failed`; `reason` says why it ended, or is None.
        source: `launched` or `external`, one that a script recorded.
        url: of its page.
        epochs_done: one more than the number of its last epoch; 0 before there is one.
        epochs_planned: None where that was not told.
        created_at, started_at, ended_at: aware datetimes; None where that has not happened.
        answer: all that the API tells of it, by the API's names.
    """

    def __init__(self, connection: Connection, answer: Mapping[str, Any]) -> None:
        self._connection, self.answer = connection, dict(answer)
        self.id, self.name, self.state = str(answer["id"]), str(answer["name"]), str(answer["state"])
        self.config: dict[str, Any] = answer["config"]
        self.notes, self.tags = str(answer.get("notes", "")), tuple(answer.get("tags", ()))
        self.group: str | None = answer.get("group")
        self.reason: str | None = answer.get("reason")
        self.source = str(answer.get("source", "launched"))
        self.url = f"{connection.url}/runs/{self.id}"
        self.epochs_done = int(answer["epochs_done"])
        self.epochs_planned: int | None = answer.get("epochs_planned")
        self.created_at = _moment(answer.get("created_at"))
        self.started_at, self.ended_at = _moment(answer.get("started_at")), _moment(answer.get("ended_at"))
        self._path = f"/runs/{self.id}"

    def __repr__(self) -> str:
        return f"<RecordedRun {self.id} {self.name!r}: {self.state}, {self.epochs_done} epochs, {self.url}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: a link to the run's page, and how much of each layer is frozen behind each epoch."""
        try:
            fractions = self._fractions()
        except ClientError:  # a run can be shown where its server is gone
            fractions = np.empty((0, 0), np.float32)
        state = f"{self.state}, {self.epochs_done:,} epochs"
        return html(Shown(self.name, state, self.url, fractions, self._connection.may_frame))

    def _fractions(self) -> Floats:
        """(layers, epochs); NaN where nothing is recorded."""
        told = self._connection.json(f"{self._path}/overview", "epochs", "values", field="frozen", format="json")
        whole = np.full((len(told["values"]), self.epochs_done), np.nan, np.float32)
        for epoch, *column in zip(told["epochs"], *told["values"], strict=True):
            if epoch < self.epochs_done:  # later ones have ended since
                whole[:, epoch] = column
        return whole

    @cached_property
    def _layers(self) -> list[RecordedLayer]:
        answer = self._connection.json(f"{self._path}/layers", "layers")
        return [
            RecordedLayer(self._connection, self._path, told, self.epochs_done, self._epsilon(answer, told["index"]))
            for told in answer["layers"]
        ]

    def _epsilon(self, answer: Mapping[str, Any], index: int) -> float | None:
        """The threshold of a layer's watch; a launched run has one for all."""
        for watch in answer.get("watches") or ():
            if watch["first"] <= index < watch["first"] + watch["layers"]:
                return float(watch["epsilon"])
        settings = self.config.get("neq")
        if self.source != "launched" or not isinstance(settings, dict) or "epsilon" not in settings:
            return None
        return float(settings["epsilon"])

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the watched layers in forward order, watch after watch; none before the run has started.

        Raises:
            ClientError: as `Client`'s methods.
        """
        return tuple(layer.name for layer in self._layers)

    def layer(self, which: str | int) -> RecordedLayer:
        """A layer by its name, or by its place in `layers`.

        Raises:
            UnknownLayer: there is none, or there are several of that name, as where a script announced its layers
                anew; the message names what there is.
            ClientError: as `Client`'s methods.
        """
        named = [layer for layer in self._layers if which in (layer.name, layer.index)]
        if len(named) == 1:
            return named[0]
        if named:
            places = ", ".join(str(layer.index) for layer in named)
            raise UnknownLayer(f"run {self.id} has several layers {which!r}; give the place of one: {places}")
        raise UnknownLayer(f"run {self.id} has no layer {which!r}; {listed(self.layers, 'it has announced none')}")

    def figure(self, layer: str | int, *, of: Of = "state") -> Any:
        """A layer's neurons × epochs as a `plotly.graph_objects.Figure`, in the colours of the run's page.

        Column e shows what was decided at the end of epoch e; epochs that are not recorded are blank.

        Args:
            layer: as in `layer`.
            of: `state`: updating, frozen, and which of both a neuron just became, as the page shows first; `velocity`:
                |v|, blue below ε and orange above; `phi`: 1 − φ. In the latter two, lines underline frozen epochs; in
                layers of more than 200 neurons a click on the legend draws them.

        Raises:
            UnknownLayer: as `layer`.
            ValueError: `of` is something else.
            ImportError: Plotly is not installed.
            ClientError: as `Client`'s methods.
        """
        return figure(self.name, self.layer(layer), of)

    @overload
    def metrics(self) -> Metrics: ...

    @overload
    def metrics(self, name: str) -> Metric: ...

    def metrics(self, name: str | None = None) -> Metrics | Metric:
        """All points of the run's metrics, its own and the figures of its epochs, as they stand now.

        Args:
            name: of a single one, such as `val/loss`; None: all, by name.

        Raises:
            UnknownMetric: there is none of that name; the message names those that there are.
            ClientError: as `Client`'s methods.
        """
        told = self._connection.json(f"{self._path}/metrics", "metrics")
        names = [str(metric["name"]) for metric in told["metrics"]]
        if name is None:
            return Metrics({each: self._metric(each) for each in names})
        if name not in names:
            raise UnknownMetric(f"run {self.id} has no metric {name!r}; {listed(names, 'it has none yet')}")
        return self._metric(name)

    def _metric(self, name: str) -> Metric:
        fields = ("name", "steps", "epochs", "times", "values")
        return Metric.read(self._connection.json(f"{self._path}/metrics/points", *fields, name=name))


def _moment(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)
