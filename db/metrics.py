"""Metrics: what runs say by name, point by point, in chunks that a chart of a million points is read from at once."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from db.records import Metric, MetricPoints
from db.schema import epochs, metric_points, metrics
from db.transactions import Transactions, reading

CHUNK = 2_048
"""Points of a full chunk: 57 KB."""
MOST_CHUNKS = 64
"""Chunks that are not merged yet. One a second is written, so a point is written anew some ten times in all, and a
chart of a running metric reads as many rows more."""
NO_EPOCH = -1
_BYTES = 28
FIGURES = (
    "learning_rate",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "applied_fraction",
    "frozen_fraction",
)
"""Of an epoch; they are metrics too, under these names, as are its further scores, with the epoch as their step."""
OF_LAYERS: Mapping[str, str] = {"dead_fraction": "dead", "churning_fraction": "churning"}
"""Further metrics of an epoch, made of a column of its counts by layer; see `db.layer_fractions`."""
SYSTEM = "system/"
"""How the names begin of what a recorder samples of its machine: these count samples, not steps of the training."""


class MetricQueries(Transactions):
    """What runs said by name."""

    @reading
    def metrics(self, connection: Connection, run_id: str) -> list[Metric]:
        """The metrics of a run, by name, with what the table shows of each."""
        query = select(metrics).where(metrics.c.run_id == run_id).order_by(metrics.c.name)
        return [metric_of(row) for row in connection.execute(query)]

    @reading
    def metrics_called(
        self, connection: Connection, run_ids: Iterable[str], names: Iterable[str]
    ) -> dict[str, dict[str, Metric]]:
        """The metrics of these names that these runs have, by run and name."""
        query = select(metrics).where(metrics.c.run_id.in_(list(run_ids)), metrics.c.name.in_(list(names)))
        found: dict[str, dict[str, Metric]] = {}
        for row in connection.execute(query):
            found.setdefault(row.run_id, {})[row.name] = metric_of(row)
        return found

    @reading
    def metric_points(
        self, connection: Connection, run_id: str, name: str, first: int = 0, stop: int | None = None
    ) -> MetricPoints:
        """A metric's points from the place `first` on up to before `stop`, in the order in which they were told."""
        return read_points(connection, run_id, name, first, stop)

    @reading
    def greatest_step(self, connection: Connection, run_id: str) -> int | None:
        """The greatest step of what the run's script logged; None where it logged nothing.

        The epochs' own figures and the machine's samples have a count of their own. A script may log under a figure's
        name too: there are more points of it then than epochs that tell it.
        """
        told = select(*(func.count(epochs.c[name]).label(name) for name in FIGURES)).where(epochs.c.run_id == run_id)
        figures = dict(connection.execute(told).one()._mapping)
        figures |= dict.fromkeys(OF_LAYERS, figures["frozen_fraction"])
        query = select(metrics.c.name, metrics.c.points).where(metrics.c.run_id == run_id)
        logged = [
            row.name
            for row in connection.execute(query)
            if not row.name.startswith(SYSTEM) and row.points > figures.get(row.name, 0)
        ]
        return max((_greatest_step(connection, run_id, name) for name in logged), default=None)

    @reading
    def last_sample(self, connection: Connection, run_id: str) -> int | None:
        """The number of the newest sample of the machine; None where there is none."""
        query = select(func.max(metrics.c.last_step)).where(metrics.c.run_id == run_id)
        number: int | None = connection.execute(query.where(metrics.c.name.startswith(SYSTEM))).scalar_one()
        return number


def _greatest_step(connection: Connection, run_id: str, name: str) -> int:
    """Of one metric; read chunk by chunk, since there may be more than memory holds."""
    here = (metric_points.c.run_id == run_id) & (metric_points.c.name == name)
    query = select(metric_points.c.points).where(here).execution_options(yield_per=MOST_CHUNKS)
    return max(int(joined(name, [row.points]).steps.max()) for row in connection.execute(query))


def read_points(
    connection: Connection, run_id: str, name: str, first: int = 0, stop: int | None = None
) -> MetricPoints:
    """As `MetricQueries.metric_points`, up to before `stop`."""
    here = (metric_points.c.run_id == run_id) & (metric_points.c.name == name)
    query = select(metric_points.c.first, metric_points.c.points).where(here, metric_points.c.first > first - CHUNK)
    if stop is not None:
        query = query.where(metric_points.c.first < stop)
    rows = connection.execute(query.order_by(metric_points.c.first)).all()
    whole = joined(name, [row.points for row in rows])
    begins = rows[0].first if rows else first
    return whole.cut(max(0, first - begins), None if stop is None else stop - begins)


def append_points(connection: Connection, run_id: str, told: Iterable[MetricPoints]) -> None:
    """Stores further points, one chunk a metric, and merges chunks where there are many.

    The caller's transaction holds the run, so nobody else writes its metrics.
    """
    series = _by_name(told)
    if not series:
        return
    names = [each.name for each in series]
    known = {row.name: _Standing.of(row) for row in connection.execute(_KNOWN, {"of": run_id, "names": names})}
    chunks = [
        chunk
        for each in series
        for chunk in _chunks(run_id, each, known[each.name].points if each.name in known else 0)
    ]
    connection.execute(_INSERT_POINTS, chunks)
    grown = [(known.get(each.name), _grown(known.get(each.name), each)) for each in series]
    _write(connection, run_id, [now for before, now in grown if before is None], new=True)
    _write(connection, run_id, [_merged(connection, run_id, now) for before, now in grown if before], new=False)


def epoch_point(name: str, epoch: int, at: datetime, value: float) -> MetricPoints:
    """What an epoch says of itself, as a point of a metric: the epoch is its step."""
    return MetricPoints(
        name,
        steps=np.array([epoch], np.int64),
        epochs=np.array([epoch], np.int32),
        times=np.array([at.timestamp()]),
        values=np.array([value], np.float64),
    )


# Made once: SQLAlchemy takes longer to make and to recognise them than SQLite to carry them out.
_INSERT, _INSERT_POINTS = insert(metrics), insert(metric_points)
_HERE = metrics.c.run_id == bindparam("of")
_KNOWN = select(metrics).where(_HERE, metrics.c.name.in_(bindparam("names", expanding=True)))
_CHANGE = update(metrics).where(_HERE, metrics.c.name == bindparam("called"))


def _by_name(told: Iterable[MetricPoints]) -> list[MetricPoints]:
    """The points of each metric as one series, in the order in which they were told."""
    found: dict[str, list[MetricPoints]] = {}
    for each in told:
        if each.steps.size:
            found.setdefault(each.name, []).append(each)
    return [pieces[0] if len(pieces) == 1 else _concatenated(pieces) for pieces in found.values()]


def _concatenated(pieces: Sequence[MetricPoints]) -> MetricPoints:
    return MetricPoints(
        pieces[0].name,
        steps=np.concatenate([piece.steps for piece in pieces]),
        epochs=np.concatenate([piece.epochs for piece in pieces]),
        times=np.concatenate([piece.times for piece in pieces]),
        values=np.concatenate([piece.values for piece in pieces]),
    )


@dataclass(frozen=True, slots=True)
class _Standing:
    """A row of `metrics` without its run."""

    name: str
    points: int
    merged: int
    chunks: int
    last: float | None
    last_step: int
    last_epoch: int | None
    minimum: float | None
    maximum: float | None

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(*(getattr(row, name) for name in cls.__dataclass_fields__))

    def columns(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def _grown(before: _Standing | None, told: MetricPoints) -> _Standing:
    finite = told.values[np.isfinite(told.values)]
    minimum = [float(finite.min())] if finite.size else []
    maximum = [float(finite.max())] if finite.size else []
    if before is not None:
        minimum += [] if before.minimum is None else [before.minimum]
        maximum += [] if before.maximum is None else [before.maximum]
    last, epoch = float(told.values[-1]), int(told.epochs[-1])
    return _Standing(
        told.name,
        points=told.steps.size + (before.points if before else 0),
        merged=before.merged if before else 0,
        chunks=math.ceil(told.steps.size / CHUNK) + (before.chunks if before else 0),
        last=last if math.isfinite(last) else None,
        last_step=int(told.steps[-1]),
        last_epoch=None if epoch == NO_EPOCH else epoch,
        minimum=min(minimum, default=None),
        maximum=max(maximum, default=None),
    )


def _write(connection: Connection, run_id: str, rows: Sequence[_Standing], *, new: bool) -> None:
    if not rows:
        return
    if new:
        connection.execute(_INSERT, [{"run_id": run_id, **row.columns()} for row in rows])
        return
    changed = [{"of": run_id, "called": row.name, **row.columns()} for row in rows]
    connection.execute(_CHANGE, changed)


def _merged(connection: Connection, run_id: str, now: _Standing) -> _Standing:
    """One chunk instead of many; a full one is left alone from then on."""
    if now.chunks < MOST_CHUNKS:
        return now
    here = (metric_points.c.run_id == run_id) & (metric_points.c.name == now.name)
    waiting = here & (metric_points.c.first >= now.merged)
    rows = connection.execute(select(metric_points.c.points).where(waiting).order_by(metric_points.c.first)).all()
    whole = joined(now.name, [row.points for row in rows])
    connection.execute(delete(metric_points).where(waiting))
    size = whole.steps.size
    connection.execute(insert(metric_points), _chunks(run_id, whole, now.merged))
    full = size // CHUNK * CHUNK
    return _Standing(**(now.columns() | {"merged": now.merged + full, "chunks": int(size > full)}))


def _chunks(run_id: str, points: MetricPoints, first: int) -> list[dict[str, Any]]:
    """Rows of at most a full chunk each, of points whose places begin with `first`."""
    return [
        {"run_id": run_id, "name": points.name, "first": first + start}
        | {"points": _packed(points.cut(start, start + CHUNK))}
        for start in range(0, points.steps.size, CHUNK)
    ]


def metric_of(row: Any) -> Metric:
    """A row of `metrics` as its record."""
    return Metric(
        name=row.name,
        points=row.points,
        last=row.last,
        last_step=row.last_step,
        last_epoch=row.last_epoch,
        minimum=row.minimum,
        maximum=row.maximum,
    )


def _packed(points: MetricPoints) -> bytes:
    columns: tuple[npt.NDArray[Any], ...] = (
        points.times.astype("<f8"),
        points.values.astype("<f8"),
        points.steps.astype("<i8"),
        points.epochs.astype("<i4"),
    )
    return b"".join(column.tobytes() for column in columns)


def last_in(chunk: bytes, epoch: int) -> float | None:
    """The last value of an epoch in a stored chunk; None where it has none. The quick way past `joined`."""
    number = len(chunk) // _BYTES
    there = (np.frombuffer(chunk, "<i4", number, 24 * number) == epoch).nonzero()[0]
    return float(np.frombuffer(chunk, "<f8", 1, 8 * (number + int(there[-1])))[0]) if there.size else None


def joined(name: str, chunks: Sequence[bytes]) -> MetricPoints:
    """Stored chunks, in their order, as one."""
    columns: list[list[npt.NDArray[Any]]] = [[], [], [], []]
    for chunk in chunks:
        number = len(chunk) // _BYTES
        for column, kind, start in zip(columns, ("<f8", "<f8", "<i8", "<i4"), (0, 8, 16, 24), strict=True):
            column.append(np.frombuffer(chunk, kind, number, start * number))
    times, values, steps, epochs = (
        np.concatenate(column) if column else np.empty(0, kind)
        for column, kind in zip(columns, ("<f8", "<f8", "<i8", "<i4"), strict=True)
    )
    return MetricPoints(name, steps=steps, epochs=epochs, times=times, values=values)
