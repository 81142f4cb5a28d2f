"""What a recorder sent, checked against what its run has announced, and what the store keeps of it."""

from collections.abc import Iterator

from contract.events import EpochFinished, Event, RunStarted, WatchStarted
from contract.parts import Part
from contract.runfile import RunFileBroken
from db import EventRecord, Run, Snapshot, Store, event_record

FOR_RECORDERS = frozenset(
    {
        "run_started",
        "run_continued",
        "watch_started",
        "metrics_logged",
        "epoch_progressed",
        "epoch_finished",
        "logged",
        "run_finished",
        "run_stopped",
        "run_failed",
    }
)
"""The kinds of events that a recorder may tell; the others are the store's own."""
MOST_NEURONS = 100_000_000
MOST_METRICS = 10_000
"""Of one run."""


def records_of(store: Store, run: Run, part: Part) -> list[EventRecord]:
    """What the store keeps of a part's events, those that it has already included.

    Raises:
        RunFileBroken: an event says what cannot be; nothing of the part may be stored then.
    """
    if not part.lines:
        return []  # a heartbeat, of every run every few seconds: nothing is read for it
    layers = {int(layer["index"]): int(layer["neurons"]) for layer in store.layers(run.id)}
    checks = _Checks(layers, run.epochs_done, {metric.name for metric in store.metrics(run.id)})
    stored = max(0, run.writer_seq + 1 - part.header.first)
    records = []
    for place, (line, event) in enumerate(part.events(layers)):
        if place >= stored:
            checks.look_at(event)
        records.append(event_record(event.model_dump(mode="json"), at=line.at, snapshots=_snapshots(event)))
    return records


class _Checks:
    """Follows a run through the events of a part.

    Args:
        layers: neurons by index, as they were announced.
        epochs: finished ones.
        metrics: names of those that it has.
    """

    def __init__(self, layers: dict[int, int], epochs: int, metrics: set[str]) -> None:
        self._layers, self._epochs, self._metrics = dict(layers), epochs, metrics

    def look_at(self, event: Event) -> None:
        if event.kind not in FOR_RECORDERS:
            raise RunFileBroken(f"A recorder cannot tell of {event.kind}.")
        if isinstance(event, RunStarted) and self._layers:
            raise RunFileBroken("The run has begun already, and watches layers.")  # which the store would forget
        if isinstance(event, RunStarted | WatchStarted):
            self._watch(event)
        elif isinstance(event, EpochFinished):
            self._epoch(event)
        elif event.kind == "metrics_logged":
            self._metrics |= {series.name for series in event.series}
            if len(self._metrics) > MOST_METRICS:
                raise RunFileBroken(f"A run has at most {MOST_METRICS:,} metrics.")

    def _watch(self, event: RunStarted | WatchStarted) -> None:
        for layer in event.layers:
            known = self._layers.setdefault(layer.index, layer.neurons)
            if known != layer.neurons:
                raise RunFileBroken(
                    f"Layer {layer.index} had {self._layers[layer.index]} neurons and now {layer.neurons}."
                )
        if sorted(self._layers) != list(range(len(self._layers))):
            raise RunFileBroken("Layers are numbered from 0 on without gaps, those of one watch behind another's.")
        if sum(self._layers.values()) > MOST_NEURONS:
            raise RunFileBroken(f"A run has at most {MOST_NEURONS:,} neurons.")

    def _epoch(self, event: EpochFinished) -> None:
        if event.epoch < self._epochs:
            raise RunFileBroken(f"Epoch {event.epoch} is recorded already: the next is {self._epochs}.")
        self._epochs = event.epoch + 1
        for name, column in event.layers:
            if name == "plans" or column is None:
                continue
            if len(column) != len(self._layers):
                raise RunFileBroken(f"layers.{name} has {len(column)} entries for {len(self._layers)} layers.")
        for name in ("applied", "frozen", "froze", "thawed"):
            counts = getattr(event.layers, name)
            if any(not 0 <= count <= self._layers[index] for index, count in enumerate(counts)):
                raise RunFileBroken(f"layers.{name} counts more neurons than a layer has.")


def _snapshots(event: Event) -> Iterator[Snapshot]:
    for row in event.snapshots if isinstance(event, EpochFinished) else ():
        yield Snapshot(
            layer=row.index,
            neurons=row.neurons,
            divergence=row.divergence,
            velocity=row.velocity,
            applied=row.applied,
            frozen=row.frozen,
        )
