"""What a recorder sent, checked against what its run has announced, and what the store keeps of it."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from contract.events import EpochFinished, Event, RunStarted, WatchStarted
from contract.parts import Part
from contract.runfile import RunFileBroken
from db import EventRecord, PartGap, Run, Snapshot, Store, Taken, event_record

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


RUNS_KEPT = 1_000


class Recordings:
    """Takes parts, and keeps in mind what their runs have announced: else each part would read it from the store.

    What is kept of a run holds as long as the store's newest event of its recorder is the one that it was kept behind:
    only a recorder's events announce anything, and none of its numbers is given twice. For any thread.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str, int, _Announced]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, store: Store, run: Run, part: Part) -> Taken:
        """Stores a part wholly, or not at all; what is stored already is passed over.

        Args:
            run: as it stood a moment ago.
        Raises:
            RunFileBroken: an event says what cannot be.
            UnknownRun, NotExternal, RunHeld, RunEnded, PartGap, EventRefused: as `Store.append_part`.
        """
        head = part.header
        if run.writer_id == head.writer and head.first > run.writer_seq + 1:
            raise PartGap(run.id, run.writer_seq)
        if not part.lines:
            return store.append_part(run.id, head.writer, head.first, [])
        announced = self._announced(store, run)
        records = list(_records(announced, run, part))
        taken = store.append_part(run.id, head.writer, head.first, records)
        if taken.last_seq == part.last:  # else it is a repeated one, and others have come since
            self._keep(run.id, head.writer, part.last, announced)
        return taken

    def _announced(self, store: Store, run: Run) -> "_Announced":
        with self._lock:
            writer, seq, kept = self._kept.get(run.id, ("", -1, None))
        if kept is not None and (writer, seq) == (run.writer_id, run.writer_seq):
            return kept.copy()
        layers = {int(layer["index"]): int(layer["neurons"]) for layer in store.layers(run.id)}
        return _Announced(layers, {metric.name for metric in store.metrics(run.id)})

    def _keep(self, run_id: str, writer: str, seq: int, announced: "_Announced") -> None:
        with self._lock:
            self._kept[run_id] = writer, seq, announced
            self._kept.move_to_end(run_id)
            while len(self._kept) > RUNS_KEPT:
                self._kept.popitem(last=False)


@dataclass
class _Announced:
    """What a run has announced: neurons by layer, and the names of its metrics."""

    layers: dict[int, int]
    metrics: set[str]

    def copy(self) -> Self:
        return type(self)(dict(self.layers), set(self.metrics))


def _records(announced: _Announced, run: Run, part: Part) -> Iterator[EventRecord]:
    """What the store keeps of a part's events, those that it has already included; adds to what was announced.

    Raises:
        RunFileBroken: an event says what cannot be; nothing of the part may be stored then.
    """
    checks = _Checks(announced, run.epochs_done)
    stored = max(0, run.writer_seq + 1 - part.header.first)
    for place, (line, event) in enumerate(part.events(dict(announced.layers))):
        if place >= stored:
            checks.look_at(event)
        yield event_record(event.model_dump(mode="json"), at=line.at, snapshots=_snapshots(event))


class _Checks:
    """Follows a run through the events of a part.

    Args:
        announced: so far; what the events announce is added.
        epochs: finished ones.
    """

    def __init__(self, announced: _Announced, epochs: int) -> None:
        self._layers, self._epochs, self._metrics = announced.layers, epochs, announced.metrics

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
