"""Dead and churning neurons of recorded epochs become metrics, as those of later epochs are."""

import json
import struct
from typing import Any

import sqlalchemy as sa
from alembic import op

from db.epochs import unpacked
from db.events import layers_told
from db.layer_fractions import layer_fractions
from db.migrations.versions.schema_0005 import store_metric

revision = "0007"
down_revision = "0006"

NAMES = ("dead_fraction", "churning_fraction")


def upgrade() -> None:
    """Adds the points, one run after the other; no table changes."""
    connection = op.get_bind()
    ids = sa.select(sa.column("id", sa.String)).select_from(sa.table("runs"))
    for run_id in connection.execute(ids).scalars().all():
        _fill(connection, run_id)


def _fill(connection: sa.Connection, run_id: str) -> None:
    """A script may have logged a metric of that name: it stays as it is."""
    metrics = sa.table("metrics", sa.column("run_id"), sa.column("name"))
    logged = connection.execute(sa.select(metrics.c.name).where(metrics.c.run_id == run_id)).scalars().all()
    rows = _rows(connection, run_id)
    for name in NAMES:
        told = [row for row in rows if name in row]
        if told and name not in logged:
            store_metric(connection, run_id, name, told)


def _rows(connection: sa.Connection, run_id: str) -> list[dict[str, Any]]:
    """Of each finished epoch when it was, and its fractions, where its counts tell them."""
    epochs = sa.table("epochs", *(sa.column(name) for name in ("run_id", "epoch", "seq", "frozen_counts")))
    at = sa.column("at", sa.DateTime(timezone=True))
    events = sa.table("events", *(sa.column(name) for name in ("run_id", "seq", "kind", "payload", "layers")), at)
    same = (epochs.c.run_id == events.c.run_id) & (epochs.c.seq == events.c.seq)
    query = sa.select(epochs.c.epoch, epochs.c.frozen_counts, events.c.at, events.c.layers)
    query = query.join_from(epochs, events, same).where(epochs.c.run_id == run_id, events.c.layers.is_not(None))
    layers = _layers(connection, events, run_id)
    return [
        {"epoch": row.epoch, "at": row.at}
        | layer_fractions(unpacked(row.layers, histograms=False), _counts(row.frozen_counts), layers)
        for row in connection.execute(query.order_by(epochs.c.epoch))
    ]


def _layers(connection: sa.Connection, events: sa.TableClause, run_id: str) -> list[dict[str, Any]]:
    query = sa.select(events.c.kind, events.c.payload).where(events.c.run_id == run_id)
    query = query.where(events.c.kind.in_(("run_started", "watch_started"))).order_by(events.c.seq)
    return layers_told((row.kind, json.loads(row.payload)) for row in connection.execute(query))


def _counts(packed: bytes) -> tuple[int, ...]:
    """As they rest: int32, little-endian."""
    return struct.unpack(f"<{len(packed) // 4}i", packed)
