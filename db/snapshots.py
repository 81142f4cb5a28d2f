"""What neurons did: φ, velocity and masks, one row a run, layer and epoch."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from db.errors import UnknownLayer
from db.events import layers as layers_of
from db.records import Field, LayerHistory, Snapshot
from db.schema import snapshots

_COLUMNS = [column for column in snapshots.c if column.name != "run_id"]


def history(
    connection: Connection, run_id: str, layer: int, field: Field, *, first: int, stop: int | None
) -> LayerHistory:
    """One field of one layer over the epochs from `first` up to before `stop`: one range scan."""
    query = (
        select(snapshots.c.epoch, snapshots.c.neurons, snapshots.c[field].label("value"))
        .where(snapshots.c.run_id == run_id, snapshots.c.layer == layer, snapshots.c.epoch >= first)
        .order_by(snapshots.c.epoch)
    )
    if stop is not None:
        query = query.where(snapshots.c.epoch < stop)
    rows = connection.execute(query).all()
    neurons = rows[0].neurons if rows else _neurons(connection, run_id, layer)
    unpack = _bits if field in ("applied", "frozen") else _floats
    epochs = np.array([row.epoch for row in rows], dtype=np.int32)
    return LayerHistory(epochs, neurons, unpack([row.value for row in rows], neurons))


def _neurons(connection: Connection, run_id: str, layer: int) -> int:
    for known in layers_of(connection, run_id):
        if known["index"] == layer:
            return int(known["neurons"])
    raise UnknownLayer(run_id, layer)


def _floats(values: list[bytes | None], neurons: int) -> npt.NDArray[Any]:
    missing = np.full(neurons, np.nan, dtype="<f4").tobytes()
    packed = b"".join(missing if value is None else value for value in values)
    return np.frombuffer(packed, dtype="<f4").reshape(len(values), neurons)


def _bits(values: list[bytes], neurons: int) -> npt.NDArray[Any]:
    packed = np.frombuffer(b"".join(values), dtype=np.uint8).reshape(len(values), (neurons + 7) // 8)
    return np.unpackbits(packed, axis=1, count=neurons).view(np.bool_)


def at_epoch(connection: Connection, run_id: str, epoch: int, wanted: list[int] | None) -> list[Snapshot]:
    """The layers' rows of one epoch, in forward order; all layers where none are named."""
    if wanted is None:
        wanted = [int(known["index"]) for known in layers_of(connection, run_id)]
    query = select(*_COLUMNS).where(
        snapshots.c.run_id == run_id, snapshots.c.layer.in_(wanted), snapshots.c.epoch == epoch
    )
    return [Snapshot(**row._mapping) for row in connection.execute(query.order_by(snapshots.c.layer))]
