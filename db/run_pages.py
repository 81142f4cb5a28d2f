"""Runs, found and listed: those that are asked for, in the order that is asked for, a page at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, tuple_

from db.columns import Text
from db.errors import UnknownCursor
from db.filtering import condition
from db.filters import Filter, SortKey
from db.folding import contains_exactly
from db.records import Run, RunPage
from db.runs import COLUMNS, LONGEST_PAGE, run_of
from db.schema import runs
from db.sorting import ordered
from db.transactions import Transactions, reading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RunPageQueries(Transactions):
    """Runs, found and listed."""

    @reading
    def runs(
        self,
        connection: Connection,
        *,
        state: str | None = None,
        tag: str | None = None,
        search: str | None = None,
        group: str | None = None,
        archived: bool | None = False,
        where: Filter | None = None,
        sort: Sequence[SortKey] = (),
        cursor: str | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> RunPage:
        """A page of runs, newest first.

        Args:
            state: only runs in this state.
            tag: only runs with exactly this tag.
            search: only runs whose name, notes, tags or id hold this text, in whatever case.
            group: only runs of this group.
            archived: only runs that are put away, or only those that are not; None: both.
            where: only runs of which this holds.
            sort: another order, the first key decisive; of equals the newest first. Such a page has no `next`.
            cursor: the `next` of the page before, of the order newest first; UnknownCursor where it is none.
            offset: how many runs to pass over.
            limit: runs a page, 1 to 500.
        """
        asked = narrowed(connection, state=state, tag=tag, search=search, group=group, archived=archived, where=where)
        size = max(1, min(limit, LONGEST_PAGE))
        if sort:
            query = ordered(select(runs.c.id).where(*asked), sort, connection)
            return RunPage(_in_order(connection, query.offset(offset).limit(size)), None)
        query = select(*COLUMNS).where(*asked).order_by(runs.c.created_at.desc(), runs.c.id.desc())
        if cursor is not None:
            query = query.where(_behind(cursor))
        if offset:
            query = query.offset(offset)
        found = [run_of(row) for row in connection.execute(query.limit(size + 1))]
        items = found[:size]
        return RunPage(items, _write_cursor(items[-1]) if len(found) > size else None)

    @reading
    def count_runs(
        self,
        connection: Connection,
        *,
        state: str | None = None,
        tag: str | None = None,
        search: str | None = None,
        group: str | None = None,
        archived: bool | None = False,
        where: Filter | None = None,
    ) -> int:
        """How many runs there are of those that are asked for, see `runs`."""
        asked = narrowed(connection, state=state, tag=tag, search=search, group=group, archived=archived, where=where)
        number: int = connection.execute(select(func.count()).select_from(runs).where(*asked)).scalar_one()
        return number

    @reading
    def count_states(
        self,
        connection: Connection,
        *,
        tag: str | None = None,
        search: str | None = None,
        group: str | None = None,
        archived: bool | None = False,
        where: Filter | None = None,
    ) -> dict[str, int]:
        """How many runs are in each state of those that are asked for, see `runs`; only states that some are in."""
        asked = narrowed(connection, state=None, tag=tag, search=search, group=group, archived=archived, where=where)
        query = select(runs.c.state, func.count()).where(*asked).group_by(runs.c.state)
        return {row[0]: row[1] for row in connection.execute(query)}


def narrowed(
    connection: Connection,
    *,
    state: str | None,
    tag: str | None,
    search: str | None,
    group: str | None,
    archived: bool | None,
    where: Filter | None,
) -> list[ColumnElement[bool]]:
    """What holds of the runs that are asked for, see `RunPageQueries.runs`."""
    dialect = connection.dialect.name
    found: list[ColumnElement[bool]] = []
    if where is not None:
        found.append(condition(where, connection))
    if state is not None:
        found.append(runs.c.state == state)
    if tag is not None:
        found.append(contains_exactly(runs.c.tags.op("||", return_type=Text())(""), f",{tag},", dialect))
    if search is not None:
        found.append(contains_exactly(runs.c.searchable, search.strip().casefold(), dialect))
    if group is not None:
        found.append(runs.c.group == group)
    if archived is not None:
        found.append(runs.c.archived == archived)
    return found


def _in_order(connection: Connection, ids: Select[Any]) -> list[Run]:
    """The runs of these ids: sorted are ids alone, for a run's config would be carried along."""
    order = list(connection.execute(ids).scalars())
    rows = connection.execute(select(*COLUMNS).where(runs.c.id.in_(order)))
    found = {run.id: run for run in map(run_of, rows)}
    return [found[run_id] for run_id in order]


def _behind(cursor: str) -> ColumnElement[bool]:
    at, run_id = _read_cursor(cursor)
    here = tuple_(literal(at, runs.c.created_at.type), literal(run_id, Text()))
    return tuple_(runs.c.created_at, runs.c.id) < here


def _write_cursor(run: Run) -> str:
    return f"{(run.created_at - _EPOCH) // timedelta(microseconds=1)}-{run.id}"


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    micros, _, run_id = cursor.partition("-")
    try:
        return _EPOCH + timedelta(microseconds=int(micros)), run_id
    except (ValueError, OverflowError) as error:
        raise UnknownCursor(cursor) from error
