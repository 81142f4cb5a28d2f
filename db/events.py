"""What runs said: appended by their one writer, read from a cursor."""

import struct
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Text,
    bindparam,
    case,
    delete,
    func,
    insert,
    null,
    select,
    type_coerce,
    update,
)

from db import checkpoints
from db.errors import RunLost
from db.layer_fractions import fraction_points, tells_fractions
from db.metrics import FIGURES, append_points
from db.records import NOT_WATCHED, EpochScalars, EventRecord, MetricPoints, StoredEvent, StoredText
from db.runs import owned
from db.schema import epochs, events, runs
from db.transactions import Transactions, reading

PROGRESS = "epoch_progressed"
STARTED = "run_started"
WATCHED = "watch_started"
FINISHED = "epoch_finished"
REQUEUED = "run_requeued"


class EventQueries(Transactions):
    """What runs said."""

    @reading
    def events_after(
        self,
        connection: Connection,
        run_id: str,
        seq: int,
        limit: int = 500,
        kinds: Collection[str] | None = None,
        *,
        before: int | None = None,
        newest: bool = False,
    ) -> list[StoredEvent]:
        """The run's events after a number, in order; none for an unknown run.

        Args:
            limit: the oldest so many of them; with `newest`, the newest.
            before: only those below this number.
        """
        return _after(connection, run_id, seq, limit=limit, kinds=kinds, layers=True, before=before, newest=newest)

    @reading
    def epochs_after(
        self, connection: Connection, run_id: str, seq: int = 0, *, layers: bool = True, limit: int = 1_000_000
    ) -> list[StoredEvent]:
        """The run's finished epochs after a number; without their per-layer columns on request, which is quicker."""
        return _after(connection, run_id, seq, limit=limit, kinds=(FINISHED,), layers=layers)

    @reading
    def texts_after(
        self,
        connection: Connection,
        run_id: str,
        seq: int = 0,
        *,
        limit: int = 1_000_000,
        kinds: Collection[str] | None = None,
        layers: bool = True,
    ) -> list[StoredText]:
        """The run's events after a number as their stored JSON, unparsed; without the per-layer columns on request."""
        query = select(events.c.seq, events.c.at, events.c.kind, type_coerce(events.c.payload, Text).label("payload"))
        if layers:
            query = query.add_columns(type_coerce(events.c.layers, LargeBinary).label("layers"))
        query = query.where(events.c.run_id == run_id, events.c.seq > seq).order_by(events.c.seq).limit(limit)
        if kinds is not None:
            query = query.where(events.c.kind.in_(sorted(kinds)))
        return [StoredText(row.seq, row.at, row.kind, _text(row)) for row in connection.execute(query)]

    @reading
    def layers(self, connection: Connection, run_id: str) -> list[dict[str, Any]]:
        """The layers that the run watches, in forward order; none before it has started."""
        return layers_of(connection, run_id)

    @reading
    def data_found(self, connection: Connection, run_id: str) -> dict[str, Any] | None:
        """What the run found in its data; none before it has started, and where it did not look."""
        payload = _started(connection, run_id)
        return None if payload is None else payload.get("data")

    @reading
    def frozen_counts(self, connection: Connection, run_id: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The finished epochs (E,), and the neurons of each layer that each of them decided to freeze (E, L).

        NOT_WATCHED stands for a layer that was not announced yet, or that nobody watched in the epoch.
        """
        query = select(epochs.c.epoch, epochs.c.frozen_counts).where(epochs.c.run_id == run_id)
        rows = connection.execute(query.order_by(epochs.c.epoch)).all()
        numbers = np.array([row.epoch for row in rows], dtype=np.int32)
        counts = [np.frombuffer(row.frozen_counts, dtype="<i4") for row in rows]
        whole = np.full((len(rows), max(map(len, counts), default=0)), NOT_WATCHED, np.int32)
        for row, known in zip(whole, counts, strict=True):
            row[: len(known)] = known
        return numbers, whole


def append(
    connection: Connection,
    now: ColumnElement[datetime],
    run_id: str,
    writer_id: str | None,
    record: EventRecord,
    *,
    guard: ColumnElement[bool] | None = None,
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Stores one event under the run's next number, if the guard holds; by default: the run is this writer's.

    Args:
        changes: further columns of the run's row that change with it.
    Raises:
        RunLost: the guard does not hold; nothing was written.
    """
    return append_all(connection, now, run_id, writer_id, [record], guard=guard, changes=changes)


def append_all(
    connection: Connection,
    now: ColumnElement[datetime],
    run_id: str,
    writer_id: str | None,
    records: Sequence[EventRecord],
    *,
    guard: ColumnElement[bool] | None = None,
    changes: Mapping[str, Any] = MappingProxyType({}),
    progress: bool = True,
) -> int:
    """The same with several events at once, at least one, of which the last alone may end the run.

    Args:
        progress: whether there may be a progress report, stored or among these.
    Returns:
        The number of the last.
    """
    condition = owned(run_id, writer_id or "") if guard is None else (runs.c.id == run_id) & guard
    values = {**_all_changes(records, now), **_watched(connection, run_id, records), **changes}
    changed = update(runs).where(condition).values(values).returning(runs.c.last_seq)
    row = connection.execute(changed).one_or_none()
    if row is None:
        raise RunLost(run_id, writer_id or "")
    last = int(row.last_seq)
    numbered = list(enumerate(records, last - len(records) + 1))
    passed = max((seq for seq, record in numbered if _passes(record)), default=None)
    if progress and passed is not None:  # only the newest progress report is kept
        connection.execute(_PASS_ON, {"of": run_id, "passing": PROGRESS})
        numbered = [(seq, record) for seq, record in numbered if record.kind != PROGRESS or seq >= passed]
    connection.execute(_INSERT_EVENT, [_event(run_id, seq, record) for seq, record in numbered])
    finished = [(seq, record, record.epoch) for seq, record in numbered if record.epoch is not None]
    if finished:
        connection.execute(_INSERT_EPOCH, [_epoch(run_id, seq, epoch) for seq, _, epoch in finished])
    for _, record, epoch in finished:
        _insert_snapshots(connection, run_id, epoch.epoch, record)
    told = [points for record in records for points in record.points]
    append_points(connection, run_id, told + _made(connection, run_id, records))
    for record in records:
        if record.kept is not None:
            checkpoints.keep(connection, run_id, record.kept)
    return last


def _made(connection: Connection, run_id: str, records: Sequence[EventRecord]) -> list[MetricPoints]:
    """Points of metrics that are made of what the epochs among these say of the run's layers, which stand by now."""
    telling = [record for record in records if tells_fractions(record)]
    layers = layers_of(connection, run_id) if telling else []
    return [points for record in telling for points in fraction_points(record, layers)]


# Made once: SQLAlchemy takes longer to make and to recognise them than SQLite to carry them out.
_INSERT_EVENT, _INSERT_EPOCH = insert(events), insert(epochs)
_PASS_ON = delete(events).where(events.c.run_id == bindparam("of"), events.c.kind == bindparam("passing"))


def _passes(record: EventRecord) -> bool:
    """Whether it replaces the progress reports before it."""
    return record.kind in (PROGRESS, REQUEUED) or record.epoch is not None or record.ends is not None


def _all_changes(records: Sequence[EventRecord], now: ColumnElement[datetime]) -> dict[str, Any]:
    """What events change in the row of their run, one after the other."""
    number = len(records)
    values: dict[str, Any] = {
        "last_seq": runs.c.last_seq + number,
        "revision": runs.c.revision + number,
        "heartbeat_at": now,
    }
    for record in records:
        values |= _changes(record, now)
    accuracies = [record.epoch.test_accuracy for record in records if record.epoch is not None]
    found = max((accuracy for accuracy in accuracies if accuracy is not None), default=None)
    if found is not None:
        best = runs.c.best_test_accuracy
        values["best_test_accuracy"] = case((func.coalesce(best, -1.0) < found, found), else_=best)
    return values


def _changes(record: EventRecord, now: ColumnElement[datetime]) -> dict[str, Any]:
    """What an event changes in the row of its run."""
    values: dict[str, Any] = {}
    if record.kind == PROGRESS:
        values["progress"] = record.payload
    if record.kind == STARTED:
        values["neurons"] = record.payload.get("neurons")
    if record.device is not None:
        values["device"] = record.device
    if record.epoch is not None:
        values |= _epoch_changes(record.epoch)
    if record.kept is not None:
        newest = max((each.epoch for each in record.kept.checkpoints), default=None)
        values |= {"checkpoint_store": record.kept.checkpoint_store, "checkpoint_epoch": newest}
    if record.ends is not None:
        values |= {"state": record.ends, "reason": record.reason, "ended_at": now, "progress": null()}
    return values


def _watched(connection: Connection, run_id: str, records: Sequence[EventRecord]) -> dict[str, Any]:
    """The neurons of all watches, where one more begins."""
    if not any(record.kind == WATCHED for record in records):
        return {}
    told = ((record.kind, record.payload) for record in records if record.kind in (STARTED, WATCHED))
    layers = layers_told(told, layers_of(connection, run_id))
    return {"neurons": sum(layer["neurons"] for layer in layers)}


def _epoch_changes(scalars: EpochScalars) -> dict[str, Any]:
    return {
        "epochs_done": scalars.epoch + 1,
        "interruptions": 0,
        "frozen_fraction": scalars.frozen_fraction,
        "test_accuracy": scalars.test_accuracy,
        "progress": null(),
    }


def _event(run_id: str, seq: int, record: EventRecord) -> dict[str, Any]:
    payload, layers = record.payload, None
    if record.kind == FINISHED and "layers" in payload:
        payload = {key: value for key, value in payload.items() if key != "layers"}
        layers = record.payload["layers"]
    return {
        "run_id": run_id,
        "seq": seq,
        "kind": record.kind,
        "at": record.at,
        "payload": payload,
        "layers": layers,
    }


def _epoch(run_id: str, seq: int, scalars: EpochScalars) -> dict[str, Any]:
    names = (
        "epoch",
        *FIGURES,
        "samples",
        "train_seconds",
        "cpu_seconds",
        "device_seconds",
        "flops_forward",
        "flops_inputs",
        "flops_weights",
    )
    counts = struct.pack(f"<{len(scalars.frozen_counts)}i", *scalars.frozen_counts)
    row = {name: getattr(scalars, name) for name in names}
    return {"run_id": run_id, "seq": seq, "frozen_counts": counts, **row}


def _insert_snapshots(connection: Connection, run_id: str, epoch: int, record: EventRecord) -> None:
    if not record.snapshots:
        return
    # Past SQLAlchemy's handling of each single value, which for 65 layers cost more than SQLite's own work.
    rows = [
        (run_id, epoch, row.layer, row.neurons, row.applied, row.frozen, row.velocity, row.divergence, row.phi)
        for row in record.snapshots
    ]
    place = "?" if connection.dialect.name == "sqlite" else "%s"
    connection.exec_driver_sql(f"{_INSERT_SNAPSHOT} VALUES ({', '.join([place] * 9)})", rows)


_INSERT_SNAPSHOT = "INSERT INTO snapshots (run_id, epoch, layer, neurons, applied, frozen, velocity, divergence, phi)"


def _after(
    connection: Connection,
    run_id: str,
    seq: int,
    *,
    limit: int,
    kinds: Collection[str] | None,
    layers: bool,
    before: int | None = None,
    newest: bool = False,
) -> list[StoredEvent]:
    """The run's events after a number, in order; those of the given kinds only, where some are given.

    Args:
        limit: the oldest so many; with `newest`, the newest.
        before: only those below this number.
    """
    columns = [events.c.seq, events.c.at, events.c.kind, events.c.payload]
    query = select(*columns, events.c.layers) if layers else select(*columns)
    query = query.where(events.c.run_id == run_id, events.c.seq > seq).limit(limit)
    query = query.order_by(events.c.seq.desc() if newest else events.c.seq)
    if before is not None:
        query = query.where(events.c.seq < before)
    if kinds is not None:
        query = query.where(events.c.kind.in_(sorted(kinds)))
    found = [_stored(row) for row in connection.execute(query)]
    return found[::-1] if newest else found


def _text(row: Any) -> str:
    """The payload with its columns put back in, as text."""
    payload: str = row.payload
    packed: bytes | None = getattr(row, "layers", None)
    if packed is None:
        return payload
    comma = "" if payload == "{}" else ","
    return f'{payload[:-1]}{comma}"layers":{zlib.decompress(packed).decode()}}}'


def _stored(row: Any) -> StoredEvent:
    payload = row.payload
    packed = getattr(row, "layers", None)
    if packed is not None:
        payload["layers"] = packed
    return StoredEvent(row.seq, row.at, row.kind, payload)


def layers_of(connection: Connection, run_id: str) -> list[dict[str, Any]]:
    """The layers that the run said it watches, in forward order; none before it has started.

    An external run tells them watch by watch, and again where another process took it up.
    """
    query = select(events.c.kind, events.c.payload).where(events.c.run_id == run_id)
    rows = connection.execute(query.where(events.c.kind.in_((STARTED, WATCHED))).order_by(events.c.seq)).all()
    return layers_told((row.kind, row.payload) for row in rows)


def layers_told(
    told: Iterable[tuple[str, Mapping[str, Any]]], before: Iterable[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The layers that these events leave the run with, in forward order."""
    found = {layer["index"]: layer for layer in before}
    for kind, payload in told:
        if kind == STARTED:
            found.clear()
        found |= {layer["index"]: layer for layer in payload["layers"]}
    return [found[index] for index in sorted(found)]


def _started(connection: Connection, run_id: str) -> dict[str, Any] | None:
    query = select(events.c.payload).where(events.c.run_id == run_id, events.c.kind == STARTED)
    payload: dict[str, Any] | None = connection.execute(
        query.order_by(events.c.seq.desc()).limit(1)
    ).scalar_one_or_none()
    return payload
