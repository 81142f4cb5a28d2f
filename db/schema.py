"""The tables. A change here needs a migration beside it (`db/migrations/versions`); a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    false,
)

from db.columns import JsonListText, JsonText, PackedJson, Tags, Text, UtcDateTime, Varchar

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "ix": "%(table_name)s_%(column_0_N_name)s",
        "ck": "%(table_name)s_%(constraint_name)s",
        "uq": "%(table_name)s_%(column_0_name)s_uq",
    }
)

runs = Table(
    "runs",
    metadata,
    Column("id", Varchar(10), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("state", Varchar(8), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("heartbeat_at", UtcDateTime),
    Column("stop_requested", Boolean, nullable=False),
    # Launched by this program, or external: told by a training of somebody else's.
    Column("source", Varchar(8), nullable=False, server_default="launched"),
    Column("group", Varchar(100)),
    # Who may tell of it: its worker, or the recorder of an external run.
    Column("writer_id", Varchar(32)),
    # A recorder numbers its events itself: the newest that is stored.
    Column("writer_seq", Integer, nullable=False, server_default="0"),
    Column("last_seq", Integer, nullable=False),
    # NULL: an external run that has not said how many it will have.
    Column("epochs_planned", Integer),
    Column("epochs_done", Integer, nullable=False),
    Column("neurons", Integer),
    Column("test_accuracy", Double),
    Column("best_test_accuracy", Double),
    Column("frozen_fraction", Double),
    Column("device", Text),
    Column("reason", Text),
    # The run and the epoch that this one was forked from; the parent may be gone.
    Column("parent_id", Varchar(10)),
    Column("parent_epoch", Integer),
    # Where its checkpoints rest (only workers there can go on with it), and the epoch of the newest one.
    Column("checkpoint_store", Varchar(32)),
    Column("checkpoint_epoch", Integer),
    # How often it was interrupted since its newest epoch.
    Column("interruptions", Integer, nullable=False, server_default="0"),
    Column("name", Text, nullable=False),
    Column("tags", Tags, nullable=False),
    Column("progress", JsonText),
    Column("config", JsonText, nullable=False),
    Column("notes", Text, nullable=False),
    # Its place in the queue: from -10, the last, to 10; held: it waits and is passed over.
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("held", Boolean, nullable=False, server_default=false()),
    # Workers take the lowest first: seconds since 1970, less PRIORITY_SECONDS a step of priority; see db/queue.py.
    Column("queue_rank", Double, nullable=False, server_default="0"),
    # Put away: tables leave it out unless they are asked for it.
    Column("archived", Boolean, nullable=False, server_default=false()),
    # Runs of one key take as long an epoch, and as much room.
    Column("cost_key", Varchar(64)),
    # What was doubtful about it when it was launched.
    Column("warnings", JsonListText),
    # Id, name, tags and notes, case folded: the same search on every database.
    Column("searchable", Text, nullable=False),
    CheckConstraint("state IN ('queued', 'running', 'finished', 'stopped', 'failed')", name="state"),
    CheckConstraint("source IN ('launched', 'external')", name="source"),
    Index(None, "created_at", "id"),
    Index(None, "state", "created_at", "id"),
    Index(None, "group", "created_at", "id"),
    Index(None, "state", "queue_rank", "id"),
    Index(None, "cost_key", "created_at"),
    # All that counts and most orders need: rows are long, and `archived` stands behind what makes them so.
    Index(None, "archived", "created_at", "id", "state", "group"),
)


def _of_run() -> Column[str]:
    return Column("run_id", Varchar(10), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


settings = Table(
    "settings",
    metadata,
    # By path: to filter or sort runs by a setting reads its rows alone.
    Column("path", Varchar(200), primary_key=True),
    Column("run_id", Varchar(10), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, index=True),
    # The one or the other.
    Column("text", Text),
    Column("number", Double),
    sqlite_with_rowid=False,
)

views = Table(
    "views",
    metadata,
    Column("id", Varchar(10), primary_key=True),
    # The page that it is a view of.
    Column("page", Varchar(8), nullable=False),
    Column("name", Varchar(100), nullable=False),
    # As in the page's address.
    Column("query", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("page", "name"),
)

events = Table(
    "events",
    metadata,
    _of_run(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("kind", Varchar(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("payload", JsonText, nullable=False),
    # The payload's "layers" of an epoch: most of its bytes, and often not wanted.
    Column("layers", PackedJson),
    Index(None, "run_id", "kind", "seq"),
)

epochs = Table(
    "epochs",
    metadata,
    _of_run(),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("learning_rate", Double),
    Column("train_loss", Double),
    Column("train_accuracy", Double),
    Column("test_loss", Double),
    Column("test_accuracy", Double),
    # NULL where nothing is watched.
    Column("applied_fraction", Double),
    Column("frozen_fraction", Double),
    Column("frozen_counts", LargeBinary, nullable=False),  # int32, little-endian, one a layer; -1: nobody watched it
    # What the epoch took, each an x-axis; NULL where it is not known.
    Column("samples", BigInteger),
    Column("train_seconds", Double),
    Column("cpu_seconds", Double),
    Column("device_seconds", Double),
    Column("flops_forward", Double),
    Column("flops_inputs", Double),
    Column("flops_weights", Double),
)

snapshots = Table(
    "snapshots",
    metadata,
    _of_run(),
    # By layer, then epoch: a layer's history is one range scan. The small masks stand before the long arrays.
    Column("layer", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("neurons", Integer, nullable=False),
    Column("applied", LargeBinary, nullable=False),
    Column("frozen", LargeBinary, nullable=False),
    Column("velocity", LargeBinary),
    # 1 − φ, which keeps its digits where φ is nearly 1; of epochs that an older version recorded, φ instead.
    Column("phi", LargeBinary),
    Column("divergence", LargeBinary),
    CheckConstraint("length(frozen) = (neurons + 7) / 8", name="frozen_bits"),
    CheckConstraint("length(applied) = (neurons + 7) / 8", name="applied_bits"),
    CheckConstraint("length(velocity) = neurons * 4", name="velocity_floats"),
    CheckConstraint("length(phi) = neurons * 4", name="phi_floats"),
    CheckConstraint("length(divergence) = neurons * 4", name="divergence_floats"),
)

metrics = Table(
    "metrics",
    metadata,
    _of_run(),
    Column("name", Varchar(200), primary_key=True),
    Column("points", Integer, nullable=False),
    # How its chunks stand: points in those that are merged, and the number of those that are not yet.
    Column("merged", Integer, nullable=False),
    Column("chunks", Integer, nullable=False),
    # NULL: not finite, or none is.
    Column("last", Double),
    Column("last_step", BigInteger, nullable=False),
    Column("last_epoch", Integer),
    Column("minimum", Double),
    Column("maximum", Double),
    Index(None, "name", "last"),
)

metric_points = Table(
    "metric_points",
    metadata,
    _of_run(),
    Column("name", Varchar(200), primary_key=True),
    # The place of the chunk's first point among all of the metric.
    Column("first", Integer, primary_key=True, autoincrement=False),
    # Columns of time and value (float64), step (int64) and epoch (int32, −1: none), little-endian.
    Column("points", LargeBinary, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    _of_run(),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    # Below the checkpoint store; a fork begins with its parent's.
    Column("path", Varchar(80), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Index(None, "path"),
)

checkpoints_to_delete = Table(
    "checkpoints_to_delete",
    metadata,
    # Checkpoints that some run needs no more; a worker of their store deletes the file if no other run needs it.
    Column("path", Varchar(80), primary_key=True),
    Column("checkpoint_store", Varchar(32), nullable=False),
    Index(None, "checkpoint_store"),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Varchar(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("device", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("heard_at", UtcDateTime, nullable=False),
    # The data sets, weights, devices and memory that it has; NULL: it has not said yet.
    Column("capabilities", JsonText),
)

checks = Table(
    "checks",
    metadata,
    # The digest of what is checked, so that the same question has one answer.
    Column("id", Varchar(64), primary_key=True),
    Column("config", JsonText, nullable=False),
    # The workers that may take it.
    Column("workers", Tags, nullable=False),
    Column("state", Varchar(8), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("worker_id", Varchar(32)),
    Column("begun_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("answer", JsonText),
    CheckConstraint("state IN ('pending', 'running', 'ok', 'failed', 'unknown')", name="state"),
    Index(None, "state", "asked_at"),
)
