"""The table of runs is counted and sorted without reading the runs' configurations, which stand before `archived`."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Adds an index; no row changes."""
    columns = ["archived", "created_at", "id", "state", "group"]
    op.create_index("runs_archived_created_at_id_state_group", "runs", columns)
