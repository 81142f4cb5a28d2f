"""What puts runs together, and away."""

from typing import get_args

from sqlalchemy import Connection, case, false, func, select

from db.records import Group, Run, RunState
from db.runs import LONGEST_PAGE, changed, read
from db.schema import runs
from db.transactions import Transactions, reading, writing


class GroupQueries(Transactions):
    """What puts runs together, and away."""

    @writing()
    def archive(self, connection: Connection, run_id: str, archived: bool) -> Run:
        """Puts a run away, or takes it out again; or UnknownRun."""
        read(connection, run_id, alone=True)
        return changed(connection, run_id, {"archived": archived})

    @writing()
    def put_in_group(self, connection: Connection, run_id: str, group: str | None) -> Run:
        """Gives a run another group, or none; or UnknownRun."""
        read(connection, run_id, alone=True)
        return changed(connection, run_id, {"group": group})

    @reading
    def groups(self, connection: Connection, limit: int = LONGEST_PAGE) -> list[Group]:
        """The groups that have runs which are not put away, the newest first: that of the newest run."""
        of_state = {state: func.sum(case((runs.c.state == state, 1), else_=0)) for state in get_args(RunState)}
        counts = [count.label(state) for state, count in of_state.items()]
        newest = func.max(runs.c.created_at).label("newest_at")
        query = select(runs.c.group, func.count().label("runs"), newest, *counts)
        query = query.where(runs.c.group.is_not(None), runs.c.archived == false()).group_by(runs.c.group)
        rows = connection.execute(query.order_by(newest.desc(), runs.c.group).limit(limit)).mappings()
        return [
            Group(row["group"], row["runs"], row["newest_at"], {state: int(row[state]) for state in of_state})
            for row in rows
        ]
