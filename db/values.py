"""Values of runs by what they are of: the cells of a table's columns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from db.filters import OfConfig, OfMetric, OfRun, Subject
from db.schema import metrics, runs, settings
from db.transactions import Transactions, reading

Cell = str | float | bool | datetime | tuple[str, ...] | None
Known = Mapping[tuple[str, Subject], Cell]


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
        known: Known = {
            **_of_runs(connection, ids, own),
            **_of_configs(connection, ids, of_config),
            **_of_metrics(connection, ids, of_metrics),
        }
        return {run_id: [known.get((run_id, subject)) for subject in subjects] for run_id in ids}


def _of_runs(connection: Connection, ids: Sequence[str], subjects: Sequence[OfRun]) -> Known:
    if not subjects:
        return {}
    columns = {subject.column: runs.c[subject.column].label(f"of_{subject.column}") for subject in subjects}
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
