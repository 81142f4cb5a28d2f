"""Today's names: of columns, of a table, of the fields in runs' descriptions and in what they said of their epochs.

The names stand here once more, as they were when this was written: what becomes of them later changes nothing here.
"""

import json
from typing import Any

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
FOLDERS = ("imagenet", "image-folder", "mask-folder", "coco", "voc")
SETTINGS: tuple[tuple[tuple[str, ...], tuple[str, ...], dict[str, str]], ...] = (
    (("data",), FOLDERS, {"feed": "loading", "test_share": "test_fraction", "unlabelled": "ignore_index"}),
    (("model",), ("torchvision-segmentation",), {"auxiliary": "aux_loss", "auxiliary_rate": "aux_lr_multiplier"}),
    (
        ("schedule",),
        (),
        {
            "factor": "gamma",
            "warmup_start": "warmup_start_factor",
            "every": "step_size",
            "lowest": "eta_min",
            "moves": "interval",
            "rise": "pct_start",
            "curve": "anneal_strategy",
            "start_divisor": "div_factor",
            "end_divisor": "final_div_factor",
        },
    ),
    (("training",), (), {"accumulate": "gradient_accumulation_steps", "clip_norm": "max_grad_norm"}),
    (("checkpoints",), (), {"every": "every_n_epochs"}),
    (("neq", "select"), ("random", "topk"), {"share": "fraction"}),
    (("neq", "select"), ("prefix",), {"layer_share": "layer_fraction"}),
)
"""Where in a description, of which kinds (none: of all), and the names before and after. Other kinds are plug-ins'."""
VALUES = ((("schedule",), "anneal_strategy", "line", "linear"), (("neq", "probe"), "kind", "share", "fraction"))


def upgrade() -> None:
    """Renames; every value stays as it is."""
    for table, former, todays in COLUMNS:
        op.alter_column(table, former, new_column_name=todays)
    _move_checkpoints_to_delete()
    _rename_settings_of_runs()
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


def _rename_settings_of_runs() -> None:
    runs = sa.table("runs", sa.column("id"), sa.column("config"))
    connection = op.get_bind()
    rewritten = [
        {"of": run_id, "config": json.dumps(renamed)}
        for run_id, stored in connection.execute(sa.select(runs.c.id, runs.c.config)).all()
        if (renamed := _under_todays_names(stored)) is not None
    ]
    if rewritten:
        connection.execute(sa.update(runs).where(runs.c.id == sa.bindparam("of")), rewritten)


def _under_todays_names(stored: str) -> dict[str, Any] | None:
    """None: nothing was renamed in it."""
    config = json.loads(stored)
    for path, kinds, names in SETTINGS:
        part = _part(config, path)
        if not kinds or part.get("kind") in kinds:
            given = {names.get(name, name): value for name, value in part.items()}
            part.clear()
            part.update(given)
    for path, name, former, todays in VALUES:
        part = _part(config, path)
        if part.get(name) == former:
            part[name] = todays
    return None if config == json.loads(stored) else config


def _part(config: Any, path: tuple[str, ...]) -> dict[str, Any]:
    """A part of a description; one of its own, and empty, where the description has none."""
    for name in path:
        config = config.get(name) if isinstance(config, dict) else None
    return config if isinstance(config, dict) else {}


def _rename_fields_of_events() -> None:
    """In their JSON, where a quote within a text is escaped, so that a name with its quotes is a field's alone."""
    renamed = "payload"
    for former, todays in FIELDS:
        renamed = f"""replace({renamed}, '"{former}":', '"{todays}":')"""
    kinds = "'epoch_finished', 'run_finished', 'run_requeued'"
    op.execute(f"UPDATE events SET payload = {renamed} WHERE kind IN ({kinds})")  # noqa: S608  (of constants alone)
