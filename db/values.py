"""Values of runs by what they are of: the cells of a table's columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, null, select

from db.filters import Filter, OfConfig, OfMetric, OfMetricAt, OfRun, Subject
from db.metrics_at import MOST_NAMED, values_at
from db.run_pages import narrowed
from db.run_values import value_of
from db.schema import metrics, runs, settings
from db.transactions import Transactions, reading

Cell = str | float | bool | datetime | tuple[str, ...] | None
Known = Mapping[tuple[str, Subject], Cell]


@dataclass(frozen=True, slots=True)
class ValueTable:
    """Runs, and columns of values: the items at one place are of one run, which has None where it has no value."""

    ids: Sequence[str]
    names: Sequence[str]
    states: Sequence[str]
    columns: Sequence[Sequence[Cell]]


class ValueQueries(Transactions):
    """Values of runs."""

    @reading
    def values_of(
        self, connection: Connection, run_ids: Iterable[str], subjects: Sequence[Subject]
    ) -> dict[str, list[Cell]]:
        """Of each of these runs its values, in the order of the subjects; None where it has none.

        Flags of a configuration are the texts `true` and `false`, and its lists are JSON, see `db.settings`.
        """
        ids = list(run_ids)
        own = [subject for subject in subjects if isinstance(subject, OfRun)]
        of_config = [subject for subject in subjects if isinstance(subject, OfConfig)]
        of_metrics = [subject for subject in subjects if isinstance(subject, OfMetric)]
        at_epochs = [subject for subject in subjects if isinstance(subject, OfMetricAt)]
        known: Known = {
            **_of_runs(connection, ids, own),
            **_of_configs(connection, ids, of_config),
            **_of_metrics(connection, ids, of_metrics),
            **_at_epochs(connection, ids, at_epochs),
        }
        return {run_id: [known.get((run_id, subject)) for subject in subjects] for run_id in ids}

    @reading
    def value_table(
        self,
        connection: Connection,
        subjects: Sequence[Subject],
        *,
        state: str | None = None,
        tag: str | None = None,
        search: str | None = None,
        group: str | None = None,
        archived: bool | None = False,
        where: Filter | None = None,
    ) -> ValueTable:
        """The values of all runs that are asked for, see `RunPageQueries.runs`; newest first."""
        asked = narrowed(connection, state=state, tag=tag, search=search, group=group, archived=archived, where=where)
        own = {subject: value_of(subject.column) for subject in subjects if isinstance(subject, OfRun)}
        columns = [column.label(f"column_{place}") for place, column in enumerate(own.values())]
        query = select(runs.c.id, runs.c.name, runs.c.state, *columns).where(*asked)
        rows = connection.execute(query.order_by(runs.c.created_at.desc(), runs.c.id.desc())).all()
        ids, names, states, *values = zip(*rows, strict=True) if rows else [()] * (3 + len(own))
        known: dict[Subject, Sequence[Cell]] = dict(zip(own, values, strict=True))
        for subject in subjects:
            if subject not in known and not isinstance(subject, OfRun):
                found = _of_all(connection, subject, ids)
                known[subject] = [found.get(run_id) for run_id in ids]
        return ValueTable(ids, names, states, [known[subject] for subject in subjects])


def _of_all(
    connection: Connection, subject: OfConfig | OfMetric | OfMetricAt, ids: Sequence[str]
) -> Mapping[str, Cell]:
    """The values of one subject; of many runs all that there are, since to name each run would take longer."""
    if isinstance(subject, OfMetricAt):
        return values_at(connection, subject, ids)
    if isinstance(subject, OfConfig):
        query = select(settings.c.run_id, settings.c.text, settings.c.number).where(settings.c.path == subject.path)
        table: Table = settings
    else:
        query = select(metrics.c.run_id, null(), metrics.c[subject.figure]).where(metrics.c.name == subject.name)
        table = metrics
    if len(ids) <= MOST_NAMED:
        query = query.where(table.c.run_id.in_(ids))
    return {run_id: number if text is None else text for run_id, text, number in connection.execute(query)}


def _of_runs(connection: Connection, ids: Sequence[str], subjects: Sequence[OfRun]) -> Known:
    if not subjects:
        return {}
    columns = {subject.column: value_of(subject.column).label(f"of_{subject.column}") for subject in subjects}
    rows = connection.execute(select(runs.c.id, *columns.values()).where(runs.c.id.in_(ids))).mappings()
    return {(row["id"], subject): row[f"of_{subject.column}"] for row in rows for subject in subjects}


def _of_configs(connection: Connection, ids: Sequence[str], subjects: Sequence[OfConfig]) -> Known:
    if not subjects:
        return {}
    paths = [subject.path for subject in subjects]
    query = select(settings).where(settings.c.run_id.in_(ids), settings.c.path.in_(paths))
    return {
        (row.run_id, OfConfig(row.path)): row.number if row.text is None else row.text
        for row in connection.execute(query)
    }


def _of_metrics(connection: Connection, ids: Sequence[str], subjects: Sequence[OfMetric]) -> Known:
    if not subjects:
        return {}
    names = {subject.name for subject in subjects}
    query = select(metrics).where(metrics.c.run_id.in_(ids), metrics.c.name.in_(names))
    return {
        (row["run_id"], subject): row[subject.figure]
        for row in connection.execute(query).mappings()
        for subject in subjects
        if subject.name == row["name"]
    }


def _at_epochs(connection: Connection, ids: Sequence[str], subjects: Sequence[OfMetricAt]) -> Known:
    return {
        (run_id, subject): value
        for subject in subjects
        for run_id, value in values_at(connection, subject, ids).items()
    }
