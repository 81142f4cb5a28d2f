"""The first schema: runs, what they said, their epochs, their neurons; workers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates all tables."""
    _create_runs()
    _create_events()
    _create_epochs()
    _create_snapshots()
    _create_workers()


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(10), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True)),
        sa.Column("stop_requested", sa.Boolean, nullable=False),
        sa.Column("worker_id", sa.String(32)),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("epochs_planned", sa.Integer, nullable=False),
        sa.Column("epochs_done", sa.Integer, nullable=False),
        sa.Column("neurons", sa.Integer),
        sa.Column("test_accuracy", sa.Double),
        sa.Column("best_test_accuracy", sa.Double),
        sa.Column("frozen_share", sa.Double),
        sa.Column("device", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("progress", sa.Text),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("searchable", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="runs_pk"),
        sa.CheckConstraint("state IN ('queued', 'running', 'finished', 'stopped', 'failed')", name=op.f("runs_state")),
    )
    op.create_index("runs_created_at_id", "runs", ["created_at", "id"])
    op.create_index("runs_state_created_at_id", "runs", ["state", "created_at", "id"])


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("run_id", sa.String(10), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("layers", sa.LargeBinary),
        sa.PrimaryKeyConstraint("run_id", "seq", name="events_pk"),
        _belongs_to_a_run("events"),
    )
    op.create_index("events_run_id_kind_seq", "events", ["run_id", "kind", "seq"])


def _create_epochs() -> None:
    op.create_table(
        "epochs",
        sa.Column("run_id", sa.String(10), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("learning_rate", sa.Double),
        sa.Column("train_loss", sa.Double),
        sa.Column("train_accuracy", sa.Double),
        sa.Column("test_loss", sa.Double),
        sa.Column("test_accuracy", sa.Double),
        sa.Column("applied_share", sa.Double, nullable=False),
        sa.Column("frozen_share", sa.Double, nullable=False),
        sa.Column("frozen_counts", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "epoch", name="epochs_pk"),
        _belongs_to_a_run("epochs"),
    )


def _create_snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("run_id", sa.String(10), nullable=False),
        sa.Column("layer", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("neurons", sa.Integer, nullable=False),
        sa.Column("applied", sa.LargeBinary, nullable=False),
        sa.Column("frozen", sa.LargeBinary, nullable=False),
        sa.Column("velocity", sa.LargeBinary),
        sa.Column("phi", sa.LargeBinary),
        sa.PrimaryKeyConstraint("run_id", "layer", "epoch", name="snapshots_pk"),
        _belongs_to_a_run("snapshots"),
        sa.CheckConstraint("length(frozen) = (neurons + 7) / 8", name=op.f("snapshots_frozen_bits")),
        sa.CheckConstraint("length(applied) = (neurons + 7) / 8", name=op.f("snapshots_applied_bits")),
        sa.CheckConstraint("length(velocity) = neurons * 4", name=op.f("snapshots_velocity_floats")),
        sa.CheckConstraint("length(phi) = neurons * 4", name=op.f("snapshots_phi_floats")),
    )


def _create_workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="workers_pk"),
    )


def _belongs_to_a_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=f"{table}_run_id_fk", ondelete="CASCADE")
