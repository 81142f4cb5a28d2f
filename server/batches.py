"""What a viewer is missing of a run, read and encoded once for all who miss the same."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from db import Store
from db.records import Snapshot, StoredEvent
from server.display import snapshot_display
from server.presentation import json_bytes, present_event, present_run

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


def read_run(store: Store, run_id: str) -> str:
    """The message that tells how a run stands."""
    return _message("run", run=present_run(store, store.run(run_id)))


def read_batch(store: Store, run_id: str, after: int, selections: Iterable[Selection]) -> Batch | None:
    """The next events of a run after `after`, encoded; None where there are none."""
    events = store.events_after(run_id, after, limit=EVENTS_A_MESSAGE)
    if not events:
        return None
    last_seq = events[-1].seq
    text = _message("events", run=run_id, events=[present_event(event) for event in events], last_seq=last_seq)
    finished = [event for event in events if event.kind == "epoch_finished"]
    frames = _frames(store, run_id, finished, set(selections))
    return Batch(text, last_seq, frames, len(events) == EVENTS_A_MESSAGE)


def _message(kind: str, **content: object) -> str:
    return json_bytes({"type": kind, **content}).decode()


def _frames(
    store: Store, run_id: str, finished: list[StoredEvent], selections: set[Selection]
) -> dict[Selection, tuple[bytes, ...]]:
    wanted = {selection for selection in selections if selection is None or selection}
    if not wanted or not finished:
        return {}
    union = None if None in wanted else sorted(frozenset().union(*(each for each in wanted if each is not None)))
    frames: dict[Selection, list[bytes]] = {selection: [] for selection in wanted}
    for event in finished:
        snapshots = store.snapshots_at(run_id, event.payload["epoch"], union)
        cells = {each.layer: snapshot_display(each.velocity, each.frozen, each.neurons) for each in snapshots}
        for selection, made in frames.items():
            chosen = [each for each in snapshots if selection is None or each.layer in selection]
            if chosen:
                made.append(_frame(run_id, event, chosen, cells))
    return {selection: tuple(made) for selection, made in frames.items()}


def _frame(run_id: str, event: StoredEvent, chosen: list[Snapshot], cells: dict[int, bytes]) -> bytes:
    """u32 little-endian header length, header as JSON, then the display bytes of the layers one after the other."""
    layers = [[each.layer, each.neurons] for each in chosen]
    header = json_bytes({"run": run_id, "epoch": event.payload["epoch"], "seq": event.seq, "layers": layers})
    return b"".join((struct.pack("<I", len(header)), header, *(cells[each.layer] for each in chosen)))
