"""What a viewer is missing of a run, read and encoded once for all who miss the same."""

from collections.abc import Iterable
from dataclasses import dataclass

from db import Store
from db.records import Snapshot
from server.arrays.display import snapshot_display
from server.arrays.encoding import framed
from server.serializers import event_text, json_bytes, present_run

EVENTS_A_MESSAGE = 50

Selection = frozenset[int] | None
"""The layers whose display bytes somebody wants; None: all of them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events after a cursor, ready to be sent, and the display frames that follow them by selection of layers."""

    text: str
    last_seq: int
    frames: dict[Selection, tuple[bytes, ...]]
    full: bool
    """There may be more."""


def message(kind: str, **content: object) -> str:
    """A message to a browser."""
    return json_bytes({"type": kind, **content}).decode()


def read_run(store: Store, run_id: str) -> str:
    """The message that tells how a run stands."""
    return message("run", run=present_run(store, store.run(run_id)))


def read_batch(store: Store, run_id: str, after: int, selections: Iterable[Selection]) -> Batch | None:
    """The next events of a run after `after`, encoded; None where there are none."""
    events = store.texts_after(run_id, after, limit=EVENTS_A_MESSAGE)
    if not events:
        return None
    last_seq = events[-1].seq
    listed = ",".join(map(event_text, events))
    text = f'{{"type":"events","run":"{run_id}","events":[{listed}],"last_seq":{last_seq}}}'
    finished = {event.seq for event in events if event.kind == "epoch_finished"}
    frames = _frames(store, run_id, finished, set(selections))
    return Batch(text, last_seq, frames, len(events) == EVENTS_A_MESSAGE)


def _frames(
    store: Store, run_id: str, finished: set[int], selections: set[Selection]
) -> dict[Selection, tuple[bytes, ...]]:
    wanted = {selection for selection in selections if selection is None or selection}
    if not wanted or not finished:
        return {}
    union = None if None in wanted else sorted(frozenset().union(*(each for each in wanted if each is not None)))
    frames: dict[Selection, list[bytes]] = {selection: [] for selection in wanted}
    for epoch, seq in store.epoch_seqs(run_id, among=finished):
        snapshots = store.snapshots_at(run_id, epoch, union)
        cells = {each.layer: snapshot_display(each.velocity, each.frozen, each.neurons) for each in snapshots}
        for selection, made in frames.items():
            chosen = [each for each in snapshots if selection is None or each.layer in selection]
            if chosen:
                made.append(_frame(run_id, epoch, seq, chosen, cells))
    return {selection: tuple(made) for selection, made in frames.items()}


def _frame(run_id: str, epoch: int, seq: int, chosen: list[Snapshot], cells: dict[int, bytes]) -> bytes:
    """The display bytes of the layers one after the other, behind a header."""
    layers = [[each.layer, each.neurons] for each in chosen]
    header = {"run": run_id, "epoch": epoch, "seq": seq, "layers": layers}
    return framed(header, *(cells[each.layer] for each in chosen))
