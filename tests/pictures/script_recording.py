"""A run that a script records, told by hand into a real store as its recorder would tell it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import numpy as np

from contract.events import (
    EpochFinished,
    Event,
    LayerCounts,
    Logged,
    RunFailed,
    RunFinished,
    RunStarted,
    Seconds,
    WatchStarted,
)
from contract.layers import Coverage, Layer
from contract.metrics import MetricSeries, MetricsLogged
from db import NewRun, Run, Snapshot, Store, event_record

WRITER = "w" * 16
CONFIG: dict[str, Any] = {
    "lr": 0.25,
    "amp": True,
    "note": None,
    "sizes": [8, {"deep": 1}],
    "model": {"depth": 3, "head": {"kind": "linear"}},
    "neq": "a word of the script's own",
}
"""Any JSON; one of its keys is a group of the configurations of launched runs."""


class ScriptRecording:
    """One external run; `layers` are those watched so far."""

    def __init__(self, store: Store, run_id: str = "", *, name: str = "my script", planned: int | None = None) -> None:
        run_id = run_id or token_hex(5)  # a browser keeps answers about a run of the test before
        self.store, self.id = store, run_id
        new = NewRun(config=CONFIG, epochs_planned=planned, name=name, tags=("flowers",), group="wide nets")
        store.begin_external(run_id, WRITER, new)
        self.layers: tuple[Layer, ...] = ()
        self.epochs = 0
        self._sent = 0
        self._random = np.random.default_rng(0)
        self.tell(
            RunStarted(
                device="CPU, 2 threads",
                epochs=planned,
                versions={"python": "3.11"},
                command="python train.py --lr 0.25",
                script="/home/ada/train.py",
                host="lovelace",
                commit="0123456789abcdef",
            )
        )

    @property
    def run(self) -> Run:
        """As it stands."""
        return self.store.run(self.id)

    def watch(
        self,
        neurons: Sequence[int] = (6, 20),
        *,
        epsilon: float = 0.002,
        name: str | None = None,
        coverage: Coverage | None = None,
    ) -> None:
        """The script watches one more network."""
        first = len(self.layers)
        layers = tuple(
            Layer(index=first + place, name=f"fc{first + place}", type="Linear", neurons=count, parameters=count)
            for place, count in enumerate(neurons)
        )
        self.layers += layers
        count = sum(neurons)
        of: dict[str, Any] = {"name": name, "first": first, "neurons": count, "parameters": count, "mu": 0.5}
        self.tell(WatchStarted(layers=layers, epsilon=epsilon, coverage=coverage, **of))

    def epoch(self) -> None:
        """One more epoch of what is watched is over; its accuracy and loss are metrics of the script."""
        counts = [layer.neurons for layer in self.layers]
        frozen = [self._random.random(count) < 0.5 for count in counts]
        none = tuple(0 for _ in counts)
        event = EpochFinished(
            epoch=self.epochs,
            learning_rate=None,
            train_loss=None,
            train_accuracy=None,
            test_loss=None,
            test_accuracy=None,
            applied_fraction=0.0,
            frozen_fraction=sum(int(mask.sum()) for mask in frozen) / sum(counts),
            layers=LayerCounts(
                applied=none,
                frozen=tuple(int(mask.sum()) for mask in frozen),
                froze=none,
                thawed=none,
                phi_mean=tuple(0.5 for _ in counts),
                speed_mean=tuple(None for _ in counts),
                velocity_histogram=tuple(None for _ in counts),
            ),
            seconds=Seconds(train=1.0, probe=0.1, evaluate=0.0, record=0.01),
        )
        self.epochs += 1
        self.tell(event, snapshots=[self._row(index, mask) for index, mask in enumerate(frozen)])

    def log(self, name: str, values: Sequence[float], *, first: int = 0, epochs: Sequence[int | None] = ()) -> None:
        """Points of one metric, a step each from `first` on."""
        steps = tuple(range(first, first + len(values)))
        now = datetime.now(UTC).timestamp()
        told = tuple(epochs) or tuple(None for _ in values)
        series = MetricSeries(
            name=name, steps=steps, epochs=told, times=tuple(now for _ in values), values=tuple(values)
        )
        self.tell(MetricsLogged(series=(series,)))

    def say(self, text: str) -> None:
        """A line of the log."""
        self.tell(Logged(text=text))

    def finish(self) -> None:
        """The script is done."""
        self.tell(RunFinished(epochs=self.epochs, test_accuracy=None, frozen_fraction=None, seconds=1.0))

    def lose(self) -> None:
        """As the server says it of a recorder that fell silent."""
        reason = "The recorder is lost: nothing was heard of it for 60 s."
        self.tell(RunFailed(reason=reason, remedy="If its script still runs, it goes on by itself."))

    def tell(self, event: Event, snapshots: Sequence[Snapshot] = ()) -> None:
        """A part of one event."""
        record = event_record(event.model_dump(mode="json"), snapshots=snapshots)
        self._sent += 1
        self.store.append_part(self.id, WRITER, self._sent, [record])

    def _row(self, layer: int, frozen: Any) -> Snapshot:
        count = len(frozen)
        return Snapshot(
            layer=layer,
            neurons=count,
            divergence=self._random.uniform(0, 1, count).astype("<f4").tobytes(),
            velocity=self._random.normal(size=count).astype("<f4").tobytes(),
            applied=np.packbits(np.zeros(count, np.bool_)).tobytes(),
            frozen=np.packbits(frozen).tobytes(),
        )
