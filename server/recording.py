"""What a recorder sent, checked against what its run has announced, and what the store keeps of it."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from contract.events import EpochFinished, Event, RunStarted, WatchStarted
from contract.parts import Part
from contract.runfile import RunFileBroken
from db import EventRecord, PartGap, PartMoved, Run, Snapshot, Store, Taken, event_record

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
"""In mind; the one whose part came longest ago goes first."""


class Recordings:
    """Takes parts, and keeps in mind what their runs have announced: else each part would read it from the store.

    What is kept of a run holds as long as the store's newest event of its recorder is the one that it was kept behind:
    only a recorder's events announce anything, and none of its numbers is given twice. For any thread.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Standing] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, store: Store, run_id: str, part: Part) -> Taken:
        """Stores a part wholly, or not at all; what is stored already is passed over.

        Raises:
            RunFileBroken: an event says what cannot be.
            UnknownRun, NotExternal, RunHeld, RunEnded, PartGap, EventRefused: as `Store.append_part`.
        """
        head = part.header
        if not part.lines:
            return store.append_part(run_id, head.writer, head.first, [])
        with self._lock:
            kept = self._kept.get(run_id)
        if kept is not None and (kept.writer, kept.seq + 1) == (head.writer, head.first):
            try:
                return self._store(store, run_id, part, kept.copy(), kept.seq)
            except PartMoved:
                pass  # another server took parts of the run
        run = store.run(run_id)
        if run.writer_id == head.writer and head.first > run.writer_seq + 1:
            raise PartGap(run_id, run.writer_seq)
        return self._store(store, run_id, part, _standing(store, run), None)

    def _store(self, store: Store, run_id: str, part: Part, standing: "_Standing", expected: int | None) -> Taken:
        head = part.header
        records = list(_records(standing, part))
        taken = store.append_part(run_id, head.writer, head.first, records, expected=expected)
        if taken.last_seq == part.last:  # else it is a repeated one, and others have come since
            standing.writer, standing.seq = head.writer, part.last
            self._keep(run_id, standing)
        return taken

    def _keep(self, run_id: str, standing: "_Standing") -> None:
        with self._lock:
            self._kept[run_id] = standing
            self._kept.move_to_end(run_id)
            while len(self._kept) > RUNS_KEPT:
                self._kept.popitem(last=False)


@dataclass
class _Standing:
    """What a run has announced, and how far it has come.

    Attributes:
        writer: its recorder.
        seq: the recorder's number of its newest event.
        epochs: finished ones.
        layers: neurons by index, as they were announced.
        metrics: names of those that it has.
    """

    writer: str | None
    seq: int
    epochs: int
    layers: dict[int, int]
    metrics: set[str]

    def copy(self) -> Self:
        return replace(self, layers=dict(self.layers), metrics=set(self.metrics))


def _standing(store: Store, run: Run) -> _Standing:
    layers = {int(layer["index"]): int(layer["neurons"]) for layer in store.layers(run.id)}
    metrics = {metric.name for metric in store.metrics(run.id)}
    return _Standing(run.writer_id, run.writer_seq, run.epochs_done, layers, metrics)


def _records(standing: _Standing, part: Part) -> Iterator[EventRecord]:
    """What the store keeps of a part's events, those that it has already included; what they announce is added.

    Raises:
        RunFileBroken: an event says what cannot be; nothing of the part may be stored then.
    """
    checks = _Checks(standing)
    stored = max(0, standing.seq + 1 - part.header.first)
    for place, (line, event) in enumerate(part.events(dict(standing.layers))):
        if place >= stored:
            checks.look_at(event)
        yield event_record(event.model_dump(mode="json"), at=line.at, snapshots=_snapshots(event))


class _Checks:
    """Follows a run through the events of a part, and adds what they announce."""

    def __init__(self, standing: _Standing) -> None:
        self._run, self._layers = standing, standing.layers

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
            self._run.metrics |= {series.name for series in event.series}
            if len(self._run.metrics) > MOST_METRICS:
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
        if event.epoch < self._run.epochs:
            raise RunFileBroken(f"Epoch {event.epoch} is recorded already: the next is {self._run.epochs}.")
        self._run.epochs = event.epoch + 1
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
