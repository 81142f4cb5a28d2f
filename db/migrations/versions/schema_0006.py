"""Studies: the order of the queue, runs put away, what costs alike, the leaves of configurations, and named views."""

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from db.settings import leaves

revision = "0006"
down_revision = "0005"

AT_ONCE = 500
"""Runs whose configurations are in memory together."""


def upgrade() -> None:
    """Adds what studies need; queued runs keep their order, and every configuration can be searched."""
    false = sa.text("0") if op.get_bind().dialect.name == "sqlite" else sa.text("false")
    op.add_column("runs", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("held", sa.Boolean, nullable=False, server_default=false))
    op.add_column("runs", sa.Column("queue_rank", sa.Double, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("archived", sa.Boolean, nullable=False, server_default=false))
    op.add_column("runs", sa.Column("cost_key", sa.String(64)))
    op.create_index("runs_state_queue_rank_id", "runs", ["state", "queue_rank", "id"])
    op.create_index("runs_cost_key_created_at", "runs", ["cost_key", "created_at"])
    _create_settings()
    op.create_table(
        "views",
        sa.Column("id", sa.String(10), nullable=False),
        sa.Column("page", sa.String(8), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="views_pk"),
        sa.UniqueConstraint("page", "name", name="views_page_uq"),
    )
    _fill()


def _create_settings() -> None:
    op.create_table(
        "settings",
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("run_id", sa.String(10), nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("number", sa.Double),
        sa.PrimaryKeyConstraint("path", "run_id", name="settings_pk"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="settings_run_id_fk", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("settings_run_id", "settings", ["run_id"])


def _fill() -> None:
    runs = sa.table("runs", *(sa.column(name) for name in ("id", "config", "created_at", "queue_rank")))
    settings = sa.table("settings", *(sa.column(name) for name in ("path", "run_id", "text", "number")))
    connection = op.get_bind()
    last = ""
    while rows := connection.execute(_after(runs, last)).all():
        last = rows[-1].id
        found = [
            {"path": path, "run_id": row.id, "text": text, "number": number}
            for row in rows
            for path, text, number in leaves(json.loads(row.config))
        ]
        if found:
            connection.execute(sa.insert(settings), found)
        for row in rows:
            ranked = sa.update(runs).where(runs.c.id == row.id).values(queue_rank=_moment(row.created_at))
            connection.execute(ranked)


def _after(runs: Any, last: str) -> sa.Select[Any]:
    query = sa.select(runs.c.id, runs.c.config, sa.type_coerce(runs.c.created_at, sa.DateTime(timezone=True)))
    return query.where(runs.c.id > last).order_by(runs.c.id).limit(AT_ONCE)


def _moment(at: datetime) -> float:
    """SQLite holds times without a zone, in UTC."""
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp()
