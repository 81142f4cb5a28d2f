"""What workers have, what was doubtful about a run at its launch, and checks before launch."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the columns and the table; runs and workers that are there say nothing of this."""
    op.add_column("runs", sa.Column("warnings", sa.Text))
    op.add_column("workers", sa.Column("capabilities", sa.Text))
    op.create_table(
        "checks",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("workers", sa.Text, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worker_id", sa.String(32)),
        sa.Column("begun_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("answer", sa.Text),
        sa.PrimaryKeyConstraint("id", name="checks_pk"),
        sa.CheckConstraint("state IN ('pending', 'running', 'ok', 'failed', 'unknown')", name=op.f("checks_state")),
    )
    op.create_index("checks_state_asked_at", "checks", ["state", "asked_at"])
