"""Runs that others record: where a run comes from, its group and writer, metrics, 1 − φ, and what an epoch took."""

import struct
from datetime import UTC
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

OF_EPOCHS = ("learning_rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
FRACTIONS = ("applied_fraction", "frozen_fraction")
SUMMARY = ("run_id", "name", "points", "merged", "chunks", "last", "last_step", "last_epoch", "minimum", "maximum")
COSTS = ("train_seconds", "cpu_seconds", "device_seconds", "flops_forward", "flops_inputs", "flops_weights")


def upgrade() -> None:
    """Adds what such runs need; the figures of recorded epochs become metrics, what was not recorded stays unknown."""
    op.alter_column("runs", "worker_id", new_column_name="writer_id")
    _add_checked("runs", "source", "VARCHAR(8) DEFAULT 'launched' NOT NULL", "source IN ('launched', 'external')")
    op.add_column("runs", sa.Column("group", sa.String(100)))
    op.add_column("runs", sa.Column("writer_seq", sa.Integer, nullable=False, server_default="0"))
    _let_be_null("runs", sa.Column("epochs_planned", sa.Integer))
    op.create_index("runs_group_created_at_id", "runs", ["group", "created_at", "id"])
    for name in FRACTIONS:
        _let_be_null("epochs", sa.Column(name, sa.Double))
    op.add_column("epochs", sa.Column("samples", sa.BigInteger))
    for name in COSTS:
        op.add_column("epochs", sa.Column(name, sa.Double))
    binary = "BLOB" if op.get_bind().dialect.name == "sqlite" else "BYTEA"
    _add_checked("snapshots", "divergence", binary, "length(divergence) = neurons * 4", called="divergence_floats")
    _create_metrics()
    _figures_become_metrics()


def _add_checked(table: str, name: str, kind: str, check: str, *, called: str = "") -> None:
    """With its constraint, which SQLite takes as a part of the column alone."""
    op.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind} CONSTRAINT {table}_{called or name} CHECK ({check})")


def _let_be_null(table: str, column: sa.Column[Any]) -> None:
    """SQLite cannot change a column, and to write the table anew would delete all that refers to it."""
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column(table, column.name, nullable=True)
        return
    name = column.name
    op.alter_column(table, name, new_column_name=f"{name}_before")
    op.add_column(table, column)
    op.execute(f'UPDATE {table} SET "{name}" = "{name}_before"')  # noqa: S608  (of constants alone)
    op.drop_column(table, f"{name}_before")


def _create_metrics() -> None:
    op.create_table(
        "metrics",
        sa.Column("run_id", sa.String(10), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("merged", sa.Integer, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("last", sa.Double),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("last_epoch", sa.Integer),
        sa.Column("minimum", sa.Double),
        sa.Column("maximum", sa.Double),
        sa.PrimaryKeyConstraint("run_id", "name", name="metrics_pk"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="metrics_run_id_fk", ondelete="CASCADE"),
    )
    op.create_index("metrics_name_last", "metrics", ["name", "last"])
    op.create_table(
        "metric_points",
        sa.Column("run_id", sa.String(10), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("points", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "name", "first", name="metric_points_pk"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="metric_points_run_id_fk", ondelete="CASCADE"),
    )


def _figures_become_metrics() -> None:
    names = (*OF_EPOCHS, *FRACTIONS)
    epochs = sa.table("epochs", *(sa.column(name) for name in ("run_id", "epoch", "seq", *names)))
    events = sa.table("events", sa.column("run_id"), sa.column("seq"), sa.column("at", sa.DateTime(timezone=True)))
    same = (epochs.c.run_id == events.c.run_id) & (epochs.c.seq == events.c.seq)
    query = sa.select(epochs, events.c.at).join_from(epochs, events, same)
    connection = op.get_bind()
    rows = connection.execute(query.order_by(epochs.c.run_id, epochs.c.epoch)).mappings()
    for run_id, told in groupby(rows, key=lambda row: str(row["run_id"])):
        of_run = list(told)
        for name in names:
            points = [row for row in of_run if row[name] is not None]
            if points:
                store_metric(connection, run_id, name, points)


def store_metric(connection: sa.Connection, run_id: str, name: str, rows: list[Any]) -> None:
    """Of epochs that have it: in one chunk, columns of time, value, step and epoch, little-endian."""
    values, epochs = [float(row[name]) for row in rows], [int(row["epoch"]) for row in rows]
    number = len(rows)
    chunk = struct.pack(
        f"<{number}d{number}d{number}q{number}i", *(_moment(row["at"]) for row in rows), *values, *epochs, *epochs
    )
    summary = sa.table("metrics", *(sa.column(each) for each in SUMMARY))
    told = (run_id, name, number, 0, 1, values[-1], epochs[-1], epochs[-1], min(values), max(values))
    connection.execute(sa.insert(summary).values(dict(zip(SUMMARY, told, strict=True))))
    points = sa.table("metric_points", *(sa.column(each) for each in ("run_id", "name", "first", "points")))
    connection.execute(sa.insert(points).values(run_id=run_id, name=name, first=0, points=chunk))


def _moment(at: Any) -> float:
    """SQLite holds times without a zone, in UTC."""
    return float((at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp())
