"""Random runs and random filters in the store's own words, and what a filter means, written plainly."""

import math
import operator
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import strategies as st
from sqlalchemy import update

from db import MetricPoints, Store
from db.filters import All, AnyOf, Compared, Filter, Not, OfConfig, OfMetric, OfMetricAt, OfRun, Subject
from db.folding import fold
from db.metrics import append_points
from db.records import Run
from db.schema import metrics, runs
from db.settings import leaves

TEXTS = (
    "sgd",
    "adam",
    "Ärger",
    "ärger",
    "ÄRGER x",
    "ß",
    "Straße",
    "K",
    "k",
    "0.001",
    "1",
    "true",
    "a,b",
    "%",
    "_",
    "\\",
)
NUMBERS = (0.0, 0.001, 0.1 + 0.2, 0.3, 1.0, 3.0, 3.5, -1.0, 1e300)
MOMENTS = tuple(datetime(2026, 11, 30, 12, tzinfo=UTC) + timedelta(hours=hours) for hours in range(4))
PATHS = ("neq.epsilon", "optimizer.kind", "a", "odd path")
NAMES = ("val/loss", "accuracy", "val/acc")
FIGURES = ("last", "minimum", "maximum")
TEXT_COLUMNS = ("state", "group", "source", "name", "id", "notes", "device")
NUMBER_COLUMNS = (
    *(
        "epochs_done",
        "test_accuracy",
        "best_test_accuracy",
        "test_loss",
        "best_test_loss",
        "frozen_fraction",
        "priority",
    ),
)
ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class Known:
    """A run with all that filters ask for."""

    run: Run
    leaves: Mapping[str, str | float]
    figures: Mapping[str, Mapping[str, float | None]]
    at: Mapping[str, Mapping[int, float]]

    def value(self, subject: Subject) -> Any:
        """What it has there; None: nothing."""
        if isinstance(subject, OfConfig):
            return self.leaves.get(subject.path)
        if isinstance(subject, OfMetric):
            return self.figures.get(subject.name, {}).get(subject.figure)
        if isinstance(subject, OfMetricAt):
            return self.at.get(subject.name, {}).get(subject.epoch)
        return self._own(subject.column)

    def _own(self, column: str) -> Any:
        """Of what the epochs do not tell, what was logged."""
        accuracy: Mapping[str, float | None] = self.figures.get("val/acc", self.figures.get("accuracy", {}))
        loss = self.figures.get("val/loss", {})
        logged = {
            "test_accuracy": accuracy.get("last"),
            "best_test_accuracy": accuracy.get("maximum"),
            "test_loss": loss.get("last"),
            "best_test_loss": loss.get("minimum"),
        }
        told = getattr(self.run, column, None)
        return logged.get(column) if told is None else told


def holds(known: Known, tree: Filter) -> bool:
    """Whether a filter keeps a run."""
    if isinstance(tree, Not):
        return not holds(known, tree.part)
    if isinstance(tree, All):
        return all(holds(known, part) for part in tree.parts)
    if isinstance(tree, AnyOf):
        return any(holds(known, part) for part in tree.parts)
    value = known.value(tree.subject)
    if tree.subject == OfRun("tags"):
        if tree.operator == "not in":
            return not any(tag in tree.values for tag in value)
        return any(_compares(tag, tree) for tag in value)
    return value is not None and _compares(value, tree)


def _compares(value: Any, tree: Compared) -> bool:
    first: Any = tree.values[0]
    is_text = isinstance(value, str)
    if tree.operator in ("in", "not in"):
        is_same = any(each == value for each in tree.values if isinstance(each, str) == is_text)
        return is_same is (tree.operator == "in")
    if tree.operator == "contains":
        return not first or (is_text and fold(first) in fold(value))
    return not is_text and bool(ORDER[tree.operator](value, first))


def fill(store: Store, number: int, seed: int = 0) -> list[Known]:
    """Makes runs of random values, some of which are not there."""
    chosen = random.Random(seed)
    return [_made(store, chosen) for _ in range(number)]


def _made(store: Store, chosen: random.Random) -> Known:
    some: dict[str, Any] = {path: chosen.choice([*TEXTS, *NUMBERS]) for path in PATHS if chosen.random() < 0.7}
    tags = tuple({chosen.choice(TEXTS).replace(",", "") for _ in range(chosen.randrange(3))})
    named = {"name": chosen.choice(TEXTS), "notes": chosen.choice(["", *TEXTS]), "tags": tags}
    run = store.create_run(config=some, epochs_planned=9, group=chosen.choice([None, *TEXTS]), **named)
    values = {
        "created_at": chosen.choice(MOMENTS),
        "state": chosen.choice(["queued", "finished", "failed"]),
        "source": chosen.choice(["launched", "external"]),
        "device": chosen.choice([None, *TEXTS]),
        "epochs_done": chosen.randrange(5),
        "test_accuracy": chosen.choice([None, *NUMBERS]),
        "best_test_accuracy": chosen.choice([None, *NUMBERS]),
        "frozen_fraction": chosen.choice([None, *NUMBERS]),
        "priority": chosen.randrange(-2, 3),
        "archived": chosen.random() < 0.3,
        "held": chosen.random() < 0.3,
    }
    told = {
        name: {figure: chosen.choice([None, *NUMBERS]) for figure in FIGURES} for name in NAMES if chosen.random() < 0.7
    }
    points = {name: [(chosen.randrange(-1, 3), chosen.choice([*NUMBERS, math.nan])) for _ in range(4)] for name in told}
    with store._database.writing() as connection:
        connection.execute(update(runs).where(runs.c.id == run.id).values(**values))
        for name, figures in told.items():
            for place in (0, 2):  # in two chunks
                append_points(connection, run.id, [points_of(name, points[name][place : place + 2])])
            here = (metrics.c.run_id == run.id) & (metrics.c.name == name)
            connection.execute(update(metrics).where(here).values(**figures))
    at = {name: finite(dict(pairs)) for name, pairs in points.items()}
    known = {path: number if text is None else text for path, text, number in leaves(some)}
    return Known(store.run(run.id), known, told, at)  # type: ignore[arg-type]


def points_of(name: str, pairs: Sequence[tuple[int, float]]) -> MetricPoints:
    """Points of these epochs, -1 being none, and values."""
    return MetricPoints(
        name,
        steps=np.arange(len(pairs)),
        epochs=np.array([epoch for epoch, _ in pairs], np.int32),
        times=np.zeros(len(pairs)),
        values=np.array([value for _, value in pairs]),
    )


def finite(values: Mapping[int, float]) -> dict[int, float]:
    """Those of epochs, and that are numbers."""
    return {epoch: value for epoch, value in values.items() if epoch >= 0 and math.isfinite(value)}


def filters() -> st.SearchStrategy[Filter]:
    """Filters of a few comparisons."""

    def joined(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(parts, min_size=1, max_size=3).map(tuple)
        return st.builds(Not, parts) | st.builds(All, several) | st.builds(AnyOf, several)

    return st.recursive(_comparisons(), joined, max_leaves=6)


def subjects() -> st.SearchStrategy[Subject]:
    """All that can be asked for, and something that no run has."""
    return st.one_of(
        st.sampled_from((*TEXT_COLUMNS, *NUMBER_COLUMNS, "tags", "archived", "held", "created_at")).map(OfRun),  # type: ignore[arg-type]
        st.sampled_from((*PATHS, "nobody")).map(OfConfig),
        st.builds(OfMetric, st.sampled_from((*NAMES, "nobody")), st.sampled_from(FIGURES)),  # type: ignore[arg-type]
        st.builds(OfMetricAt, st.sampled_from((*NAMES, "nobody")), st.integers(0, 3)),
    )


@st.composite
def _comparisons(draw: st.DrawFn) -> Compared:
    subject = draw(subjects())
    numbers = st.sampled_from([*NUMBERS, 2.0, 3.2])
    texts = st.sampled_from(["", "S", "ä", "Ä", "ẞ", "r", ",", "finished", "launched", *TEXTS]) | st.text(
        st.characters(exclude_categories=("Cs",)), max_size=2
    )
    some = ["in", "not in"]
    if isinstance(subject, OfConfig):
        asked = draw(st.sampled_from([*some, "contains", *ORDER]))
        values = numbers if asked in ORDER else texts if asked == "contains" else numbers | texts
    elif isinstance(subject, OfRun) and subject.column in (*TEXT_COLUMNS, "tags"):
        asked, values = draw(st.sampled_from([*some, "contains"])), texts  # type: ignore[assignment]
    elif isinstance(subject, OfRun) and subject.column in ("archived", "held"):
        asked, values = draw(st.sampled_from(some)), st.booleans()  # type: ignore[assignment]
    else:
        is_time = subject == OfRun("created_at")
        asked, values = draw(st.sampled_from([*some, *ORDER])), st.sampled_from(MOMENTS) if is_time else numbers  # type: ignore[assignment]
    most = 3 if asked in some else 1
    return Compared(subject, asked, tuple(draw(st.lists(values, min_size=1, max_size=most))))  # type: ignore[arg-type]
