"""Today's names: of columns, of a table, and of the fields in what runs said of their epochs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

COLUMNS = (
    ("runs", "shelf", "checkpoint_store"),
    ("runs", "setbacks", "interruptions"),
    ("runs", "frozen_share", "frozen_fraction"),
    ("epochs", "applied_share", "applied_fraction"),
    ("epochs", "frozen_share", "frozen_fraction"),
)
FIELDS = (
    ("applied_share", "applied_fraction"),
    ("frozen_share", "frozen_fraction"),
    ("beyond_share", "beyond_fraction"),
    ("setbacks", "interruptions"),
)


def upgrade() -> None:
    """Renames; every value stays as it is."""
    for table, former, todays in COLUMNS:
        op.alter_column(table, former, new_column_name=todays)
    _move_checkpoints_to_delete()
    _rename_fields_of_events()


def _move_checkpoints_to_delete() -> None:
    """A new table instead of a renamed one: SQLite cannot rename the constraints along with it."""
    op.create_table(
        "checkpoints_to_delete",
        sa.Column("path", sa.String(80), nullable=False),
        sa.Column("checkpoint_store", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("path", name="checkpoints_to_delete_pk"),
    )
    op.execute("INSERT INTO checkpoints_to_delete (path, checkpoint_store) SELECT path, shelf FROM discarded")
    op.drop_table("discarded")
    op.create_index("checkpoints_to_delete_checkpoint_store", "checkpoints_to_delete", ["checkpoint_store"])


def _rename_fields_of_events() -> None:
    """In their JSON, where a quote within a text is escaped, so that a name with its quotes is a field's alone."""
    renamed = "payload"
    for former, todays in FIELDS:
        renamed = f"""replace({renamed}, '"{former}":', '"{todays}":')"""
    kinds = "'epoch_finished', 'run_finished', 'run_requeued'"
    op.execute(f"UPDATE events SET payload = {renamed} WHERE kind IN ({kinds})")  # noqa: S608  (of constants alone)
