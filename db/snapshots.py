"""What neurons did: φ, velocity and masks, one row a run, layer and epoch."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, LargeBinary, func, select, type_coerce

from db.errors import UnknownLayer
from db.events import layers_of
from db.records import Field, LayerHistory, Snapshot, Timeline
from db.schema import snapshots
from db.transactions import Transactions, reading

_COLUMNS = [column for column in snapshots.c if column.name not in ("run_id", "epoch")]


class SnapshotQueries(Transactions):
    """What neurons did."""

    @reading
    def layer_history(
        self, connection: Connection, run_id: str, layer: int, field: Field, first: int = 0, stop: int | None = None
    ) -> LayerHistory:
        """One field of one layer, epochs × neurons, for the epochs from `first` up to before `stop`.

        Raises:
            UnknownLayer: the run has no such layer, or has not said yet which it has.
        """
        of_phi = (snapshots.c.divergence, snapshots.c.phi)
        wanted = of_phi if field in ("phi", "divergence") else (snapshots.c[field].label("value"),)
        query = (
            select(snapshots.c.epoch, snapshots.c.neurons, *wanted)
            .where(snapshots.c.run_id == run_id, snapshots.c.layer == layer, snapshots.c.epoch >= first)
            .order_by(snapshots.c.epoch)
        )
        if stop is not None:
            query = query.where(snapshots.c.epoch < stop)
        rows = connection.execute(query).all()
        neurons = rows[0].neurons if rows else _neurons(connection, run_id, layer)
        epochs = np.array([row.epoch for row in rows], dtype=np.int32)
        if field in ("phi", "divergence"):
            return LayerHistory(epochs, neurons, _of_phi(field, rows, neurons))
        unpack = _bits if field in ("applied", "frozen") else _floats
        return LayerHistory(epochs, neurons, unpack([row.value for row in rows], neurons))

    @reading
    def layer_epochs(self, connection: Connection, run_id: str, layer: int, first: int, stop: int) -> list[int]:
        """The epochs from `first` up to before `stop` in which a layer was recorded, rising."""
        query = select(snapshots.c.epoch).where(
            snapshots.c.run_id == run_id,
            snapshots.c.layer == layer,
            snapshots.c.epoch >= first,
            snapshots.c.epoch < stop,
        )
        return list(connection.scalars(query.order_by(snapshots.c.epoch)))

    @reading
    def frozen_masks(
        self, connection: Connection, run_id: str, layers: Collection[int], first: int = 0, stop: int | None = None
    ) -> dict[int, LayerHistory]:
        """The decided masks of several layers, each epochs × neurons."""
        query = (
            select(snapshots.c.layer, snapshots.c.epoch, snapshots.c.neurons, snapshots.c.frozen)
            .where(snapshots.c.run_id == run_id, snapshots.c.layer.in_(sorted(layers)), snapshots.c.epoch >= first)
            .order_by(snapshots.c.layer, snapshots.c.epoch)
        )
        if stop is not None:
            query = query.where(snapshots.c.epoch < stop)
        histories: dict[int, LayerHistory] = {}
        for layer, group in groupby(connection.execute(query).all(), key=lambda row: int(row.layer)):
            rows = list(group)
            epochs = np.array([row.epoch for row in rows], dtype=np.int32)
            masks = _bits([row.frozen for row in rows], rows[0].neurons)
            histories[layer] = LayerHistory(epochs, rows[0].neurons, masks)
        return histories

    @reading
    def neuron(
        self, connection: Connection, run_id: str, layer: int, number: int, first: int = 0, stop: int | None = None
    ) -> Timeline:
        """One neuron of a layer over epochs; the caller sees to it that the layer has as many neurons."""
        byte = number // 8 + 1  # SQL counts bytes from 1
        cut = [
            func.substr(column, place, length).label(column.name)
            for column, place, length in (
                (snapshots.c.divergence, 4 * number + 1, 4),
                (snapshots.c.phi, 4 * number + 1, 4),
                (snapshots.c.velocity, 4 * number + 1, 4),
                (snapshots.c.applied, byte, 1),
                (snapshots.c.frozen, byte, 1),
            )
        ]
        query = select(snapshots.c.epoch, *(type_coerce(each, LargeBinary).label(each.name) for each in cut))
        query = query.where(snapshots.c.run_id == run_id, snapshots.c.layer == layer, snapshots.c.epoch >= first)
        if stop is not None:
            query = query.where(snapshots.c.epoch < stop)
        rows = connection.execute(query.order_by(snapshots.c.epoch)).all()
        return Timeline(
            epochs=np.array([row.epoch for row in rows], dtype=np.int32),
            phi=_of_phi("phi", rows, 1)[:, 0],
            velocity=_floats([row.velocity for row in rows], 1)[:, 0],
            applied=_bits([row.applied for row in rows], 8)[:, number % 8],
            frozen=_bits([row.frozen for row in rows], 8)[:, number % 8],
        )

    @reading
    def snapshots_at(
        self, connection: Connection, run_id: str, epoch: int, layers: list[int] | None = None
    ) -> list[Snapshot]:
        """The raw arrays of one epoch, of all layers or those named, in forward order."""
        if layers is None:
            layers = [int(known["index"]) for known in layers_of(connection, run_id)]
        query = select(*_COLUMNS).where(
            snapshots.c.run_id == run_id, snapshots.c.layer.in_(layers), snapshots.c.epoch == epoch
        )
        return [Snapshot(**row._mapping) for row in connection.execute(query.order_by(snapshots.c.layer))]


def _neurons(connection: Connection, run_id: str, layer: int) -> int:
    for known in layers_of(connection, run_id):
        if known["index"] == layer:
            return int(known["neurons"])
    raise UnknownLayer(run_id, layer)


def _of_phi(field: Field, rows: Sequence[Any], neurons: int) -> npt.NDArray[np.float32]:
    """φ or 1 − φ of rows that hold the one or the other; what is not held is rounded once."""
    divergence, phi = (_floats([getattr(row, name) for row in rows], neurons) for name in ("divergence", "phi"))
    held, other = (phi, divergence) if field == "phi" else (divergence, phi)
    derived: npt.NDArray[np.float32] = (1 - other.astype(np.float64)).astype(np.float32)
    return np.where(np.isnan(held), derived, held)


def _floats(values: list[bytes | None], neurons: int) -> npt.NDArray[Any]:
    missing = np.full(neurons, np.nan, dtype="<f4").tobytes()
    packed = b"".join(missing if value is None else value for value in values)
    return np.frombuffer(packed, dtype="<f4").reshape(len(values), neurons)


def _bits(values: list[bytes], neurons: int) -> npt.NDArray[Any]:
    packed = np.frombuffer(b"".join(values), dtype=np.uint8).reshape(len(values), (neurons + 7) // 8)
    return np.unpackbits(packed, axis=1, count=neurons).view(np.bool_)
