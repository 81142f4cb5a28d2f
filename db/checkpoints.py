"""Checkpoints: which are kept of each run, and which files nobody needs any more.

The database knows them by their path below a checkpoint store, a folder that some workers reach; it never sees the
files. A file goes in two steps, so that no crash loses one that is needed: its row goes, with the event that made it
needless; then a worker of that checkpoint store deletes it, if no other run (a fork) has a row of the same path.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, select

from db.records import Checkpoint, RetainedCheckpoints
from db.schema import checkpoints, checkpoints_to_delete, runs
from db.transactions import Transactions, reading, writing


class CheckpointQueries(Transactions):
    """Checkpoints, and the files that nobody needs any more."""

    @reading
    def checkpoints(self, connection: Connection, run_id: str) -> list[Checkpoint]:
        """The checkpoints that are kept of a run, oldest first."""
        return of_run(connection, run_id)

    @writing(tell=False)
    def discard_unknown_checkpoints(self, connection: Connection, checkpoint_store: str, paths: Sequence[str]) -> None:
        """Makes those of these files needless that no run has recorded: their writer was interrupted in between."""
        known = set(connection.execute(select(checkpoints.c.path).where(checkpoints.c.path.in_(list(paths)))).scalars())
        known |= set(
            connection.execute(
                select(checkpoints_to_delete.c.path).where(checkpoints_to_delete.c.path.in_(list(paths)))
            ).scalars()
        )
        rows = [{"path": path, "checkpoint_store": checkpoint_store} for path in paths if path not in known]
        if rows:
            connection.execute(insert(checkpoints_to_delete), rows)

    @reading
    def needless_checkpoints(self, connection: Connection, checkpoint_store: str) -> list[str]:
        """Paths in a checkpoint store that no run needs any more: delete the files, and say so."""
        needed = exists().where(checkpoints.c.path == checkpoints_to_delete.c.path)
        query = (
            select(checkpoints_to_delete.c.path)
            .where(checkpoints_to_delete.c.checkpoint_store == checkpoint_store, ~needed)
            .order_by(checkpoints_to_delete.c.path)
        )
        return list(connection.execute(query).scalars())

    @writing(tell=False)
    def checkpoints_deleted(self, connection: Connection, paths: Sequence[str]) -> None:
        """Notes that the files under these paths are gone."""
        connection.execute(delete(checkpoints_to_delete).where(checkpoints_to_delete.c.path.in_(list(paths))))


def of_run(connection: Connection, run_id: str) -> list[Checkpoint]:
    """Those that are kept of a run, oldest first."""
    query = select(checkpoints.c.epoch, checkpoints.c.path, checkpoints.c.size_bytes)
    rows = connection.execute(query.where(checkpoints.c.run_id == run_id).order_by(checkpoints.c.epoch))
    return [Checkpoint(*row) for row in rows]


def keep(connection: Connection, run_id: str, kept: RetainedCheckpoints) -> None:
    """Makes these all that are kept of the run."""
    before = {each.path for each in of_run(connection, run_id)}
    after = {each.path for each in kept.checkpoints}
    _drop(connection, run_id, checkpoints.c.path.in_(sorted(before - after)))
    new = [each for each in kept.checkpoints if each.path not in before]
    if new:
        connection.execute(insert(checkpoints), [_row(run_id, each) for each in new])


def discard_all(connection: Connection, run_id: str) -> None:
    """Keeps none of a run that is not running; the caller deletes the run."""
    resting = select(runs.c.id).where(runs.c.id == run_id, runs.c.state != "running")
    _drop(connection, run_id, checkpoints.c.run_id.in_(resting))


def _drop(connection: Connection, run_id: str, which: ColumnElement[bool]) -> None:
    mine = (checkpoints.c.run_id == run_id) & which
    again = exists().where(checkpoints_to_delete.c.path == checkpoints.c.path)
    source = select(checkpoints.c.path, runs.c.checkpoint_store).join_from(checkpoints, runs).where(mine, ~again)
    connection.execute(
        insert(checkpoints_to_delete).from_select(
            [checkpoints_to_delete.c.path, checkpoints_to_delete.c.checkpoint_store], source
        )
    )
    connection.execute(delete(checkpoints).where(mine))


def _row(run_id: str, checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "epoch": checkpoint.epoch,
        "path": checkpoint.path,
        "size_bytes": checkpoint.size_bytes,
    }
