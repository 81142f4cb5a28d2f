"""Checkpoints, forks, and runs that go back to the queue."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds what is needed to continue a run or to fork it; runs that are there have no checkpoint."""
    op.add_column("runs", sa.Column("parent_id", sa.String(10)))
    op.add_column("runs", sa.Column("parent_epoch", sa.Integer))
    op.add_column("runs", sa.Column("shelf", sa.String(32)))
    op.add_column("runs", sa.Column("checkpoint_epoch", sa.Integer))
    op.add_column("runs", sa.Column("setbacks", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "checkpoints",
        sa.Column("run_id", sa.String(10), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("path", sa.String(80), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "epoch", name="checkpoints_pk"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="checkpoints_run_id_fk", ondelete="CASCADE"),
    )
    op.create_index("checkpoints_path", "checkpoints", ["path"])
    op.create_table(
        "discarded",
        sa.Column("path", sa.String(80), nullable=False),
        sa.Column("shelf", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("path", name="discarded_pk"),
    )
    op.create_index("discarded_shelf", "discarded", ["shelf"])
