"""From which runs others were forked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from db.schema import runs
from db.transactions import Transactions, reading


@dataclass(frozen=True, slots=True)
class Descent:
    """A fork and what it comes of.

    Attributes:
        parent_config: None: the parent was deleted.
    """

    id: str
    parent_id: str
    created_at: datetime
    config: dict[str, Any]
    parent_config: dict[str, Any] | None


class LineageQueries(Transactions):
    """From which runs others were forked."""

    @reading
    def descents(self, connection: Connection) -> list[Descent]:
        """All forks that there are, oldest first."""
        parents = runs.alias("parents")
        query = select(
            runs.c.id,
            runs.c.parent_id,
            runs.c.created_at,
            runs.c.config,
            parents.c.config.label("parent_config"),
        ).select_from(runs.outerjoin(parents, parents.c.id == runs.c.parent_id))
        found = connection.execute(query.where(runs.c.parent_id.is_not(None)).order_by(runs.c.created_at, runs.c.id))
        return [Descent(**row) for row in found.mappings()]

    @reading
    def untrained(self, connection: Connection) -> list[str]:
        """The launched runs without an epoch of their own: a fork has those that it took over."""
        taken_over = func.coalesce(runs.c.parent_epoch + 1, 0)
        query = select(runs.c.id).where(runs.c.source == "launched", runs.c.epochs_done <= taken_over)
        return list(connection.execute(query).scalars())
