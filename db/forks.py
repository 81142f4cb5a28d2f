"""Forks: runs that begin where another stood, with its records up to there as their own."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, literal, select, update

from db import checkpoints, events, runs
from db.errors import UnknownCheckpoint
from db.metrics import append_points, read_points
from db.records import EventRecord, NewRun, Run
from db.schema import checkpoints as checkpoint_table
from db.schema import epochs as epoch_table
from db.schema import events as event_table
from db.schema import metrics as metric_table
from db.schema import runs as table
from db.schema import snapshots as snapshot_table
from db.transactions import Transactions, writing


class ForkQueries(Transactions):
    """Runs that begin where another stood."""

    @writing()
    def fork(self, connection: Connection, parent_id: str, epoch: int, new: NewRun, *, words: str) -> Run:
        """Queues a new run that starts from the checkpoint after an epoch of another, with a copy of its records.

        Args:
            words: what the fork's log says of its beginning.
        Raises:
            UnknownRun, UnknownCheckpoint: there is no such parent, or it keeps no such checkpoint.
        """
        now = self._now()
        parent = runs.read(connection, parent_id, alone=True)
        kept = checkpoints.of_run(connection, parent_id)
        if epoch not in {each.epoch for each in kept}:
            raise UnknownCheckpoint(parent_id, epoch, (each.epoch for each in kept))
        made = runs.create(connection, now, new)
        _copy_start(connection, parent_id, made)
        _copy_epochs(connection, parent_id, made.id, epoch)
        _copy_metrics(connection, parent_id, made.id, epoch)
        connection.execute(update(table).where(table.c.id == made.id).values(_inherited(parent, epoch)))
        logged = EventRecord(
            kind="logged", payload={"kind": "logged", "level": "info", "text": words}, at=datetime.now(UTC)
        )
        events.append(connection, now, made.id, None, logged, guard=table.c.state == "queued")
        return runs.read(connection, made.id)


def _inherited(parent: Run, epoch: int) -> dict[str, Any]:
    """What the fork's row takes over."""

    def of_epoch(column: str) -> Any:
        mine = (epoch_table.c.run_id == parent.id) & (epoch_table.c.epoch == epoch)
        return select(epoch_table.c[column]).where(mine).scalar_subquery()

    upto = (epoch_table.c.run_id == parent.id) & (epoch_table.c.epoch <= epoch)
    return {
        "parent_id": parent.id,
        "parent_epoch": epoch,
        "checkpoint_store": parent.checkpoint_store,
        "checkpoint_epoch": epoch,
        "epochs_done": epoch + 1,
        "last_seq": epoch + 2,
        "neurons": parent.neurons,
        "test_accuracy": of_epoch("test_accuracy"),
        "best_test_accuracy": select(func.max(epoch_table.c.test_accuracy)).where(upto).scalar_subquery(),
        "frozen_fraction": of_epoch("frozen_fraction"),
    }


def _copy_start(connection: Connection, parent_id: str, made: Run) -> None:
    """The parent's run_started under number 1, with the fork's own number of epochs."""
    query = select(event_table.c.at, event_table.c.payload)
    query = query.where(event_table.c.run_id == parent_id, event_table.c.kind == events.STARTED)
    row = connection.execute(query.order_by(event_table.c.seq.desc()).limit(1)).one()
    values = {
        "run_id": made.id,
        "seq": 1,
        "kind": events.STARTED,
        "at": row.at,
        "payload": row.payload | {"epochs": made.epochs_planned},
    }
    connection.execute(insert(event_table), [values])


def _copy_metrics(connection: Connection, parent_id: str, run_id: str, last: int) -> None:
    """The parent's points of epochs up to the last one that is taken over."""
    for name in connection.execute(select(metric_table.c.name).where(metric_table.c.run_id == parent_id)).scalars():
        points = read_points(connection, parent_id, name)
        append_points(connection, run_id, [points.where(points.epochs <= last)])


def _copy_epochs(connection: Connection, parent_id: str, run_id: str, last: int) -> None:
    """The parent's epochs with their events, under the numbers from 2 on, their neurons, and the checkpoint."""
    number = epoch_table.c.epoch + 2
    same = (event_table.c.run_id == epoch_table.c.run_id) & (event_table.c.seq == epoch_table.c.seq)
    said = select(
        literal(run_id), number, event_table.c.kind, event_table.c.at, event_table.c.payload, event_table.c.layers
    ).join_from(epoch_table, event_table, same)
    said = said.where(epoch_table.c.run_id == parent_id, epoch_table.c.epoch <= last)
    columns = ["run_id", "seq", "kind", "at", "payload", "layers"]
    connection.execute(insert(event_table).from_select(columns, said))
    for source, changed, within in (
        (epoch_table, {"seq": number}, epoch_table.c.epoch <= last),
        (snapshot_table, {}, snapshot_table.c.epoch <= last),
        (checkpoint_table, {}, checkpoint_table.c.epoch == last),
    ):
        names = [column.name for column in source.c]
        values = {"run_id": literal(run_id), **changed}
        rows = select(*(values.get(name, source.c[name]) for name in names))
        rows = rows.where(source.c.run_id == parent_id, within)
        connection.execute(insert(source).from_select(names, rows))
